#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# The README shows examples/hello.cpp as it is, and no link of README.md or docs/ leads nowhere.
"""usage: readme.py [--fix]

--fix puts the program into the README. The check proves on altered texts that it can fail."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"(## A complete program\n\n```cpp\n)(.*?)(```\n)", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def program():
    """The example without the two lines every source begins with."""
    return "".join((ROOT / "examples/hello.cpp").read_text().splitlines(keepends=True)[2:])


def check_program(readme):
    block = BLOCK.search(readme)
    if not block:
        return ["README.md: has no '## A complete program' with a block of C++"]
    if block[2] != program():
        return ["README.md: the program is not that of examples/hello.cpp; run tests/integration/readme.py --fix"]
    return []


def check_links(shown, text, directory):
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    targets = [t for t in LINK.findall(text) if "://" not in t]
    return [f"{shown}: {t} does not exist" for t in targets if not (directory / t).exists()]


def check_itself(readme):
    """What must be found wrong, is."""
    wrong = BLOCK.sub(lambda block: block[1] + block[2].replace("main", "mian", 1) + block[3], readme)
    return [
        f"the check does not notice {what}"
        for what, found in (
            ("another program", check_program(wrong)),
            ("a missing program", check_program(readme.replace("## A complete program", "## A program"))),
            ("a link that leads nowhere", check_links("x", "[a](docs/no_such_page.md)", ROOT)),
        )
        if not found
    ]


def main():
    path = ROOT / "README.md"
    readme = path.read_text()
    if sys.argv[1:] == ["--fix"]:
        path.write_text(BLOCK.sub(lambda block: block[1] + program() + block[3], readme))
        return 0
    found = check_program(readme) + check_itself(readme)
    for page in [path, *sorted((ROOT / "docs").rglob("*.md"))]:
        found += check_links(page.relative_to(ROOT).as_posix(), page.read_text(), page.parent)
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
