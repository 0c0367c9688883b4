"""The child of `tera_oracle.py`: reads ``[template, context]`` a line, answers ``[text or null, error]`` a line."""

import json
import resource
import sys
import tempfile
from pathlib import Path

import pytera


def main() -> None:
    # A template that never ends must not take the machine with it; the parent reads the death as a refusal.
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "page.txt")  # .txt: Tera escapes HTML only in .html, .htm and .xml
        for line in sys.stdin:
            template, context = json.loads(line)
            path.write_bytes(template.encode())
            try:
                answer = [pytera.PyTera(f"{directory}/*.txt").render_template("page.txt", **context), ""]
            except Exception as error:
                answer = [None, f"{type(error).__name__}: {error}"]
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
