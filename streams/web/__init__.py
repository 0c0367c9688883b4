"""`pagerline web`: the API, the ingress of webhooks and the console, in one process that keeps no state.

app.py puts it together; operation.py is what an operation of the API is, declared once; openapi.py makes the document
of them; guard.py lets nobody in without the token; problem.py says what is wrong; backend.py is the only part of the
API that knows Kafka; the modules of `api` are the operations.
"""
