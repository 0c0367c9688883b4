"""Documents from what other tools have: the documented API, Terraform, Alertmanager. Pure, but for reading the files.

sources.py        the files, and what each one is
carried.py        what came of them: documents, and a note on everything that could not be carried over
coralogix.py      connectors, presets and routers as the documented API exports them
terraform.py      the same from a Terraform state
alertmanager.py   PagerDuty receivers; matchers.py, conditions.py and tree.py: its routes; go_templates.py: its texts
"""
