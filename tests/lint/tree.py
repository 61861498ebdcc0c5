# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# What the lints share: finding files, reading C++ without its comments and texts, and reporting.
"""A lint is a module with RULES, a dict from the name of a rule to one sentence saying what it demands, and
check(root), which yields findings. tree.main(module) prints them and returns the exit status. selftest.py holds, for
every rule, a small tree that must be refused for exactly that rule."""
import functools
import pathlib
import re
import subprocess
import sys
from typing import NamedTuple

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]')


class Finding(NamedTuple):
    rule: str
    path: str
    line: int
    text: str


def headers(root):
    """Paths of all headers, relative to include/, sorted."""
    base = root / "include"
    return sorted(p.relative_to(base).as_posix() for p in base.rglob("*.hpp"))


def sources(root):
    """Every C++ file of the tree that is ours."""
    found = []
    for folder in ("include", "tests", "bench", "examples", "test_package"):
        for path in (root / folder).rglob("*"):
            inside = path.relative_to(root).parts
            if path.suffix in (".hpp", ".cpp", ".h", ".ipp") and "build" not in inside:
                found.append(path)
    return sorted(found)


def committed(root):
    """Every file git tracks or would track; without git every file outside build trees."""
    try:
        listed = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True,
            check=True,
        ).stdout
        top = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "--show-toplevel"], capture_output=True, check=True, text=True
        ).stdout.strip()
        if pathlib.Path(top).resolve() == root.resolve():
            paths = {root / name for name in listed.decode().split("\0") if name}
            return sorted(p for p in paths if p.is_file())
    except (OSError, subprocess.CalledProcessError):
        pass
    return sorted(
        p
        for p in root.rglob("*")
        if p.is_file() and not any(re.fullmatch(r"\.git|__pycache__|build(-.*)?", part) for part in p.relative_to(root).parts[:-1])
    )


_TOKEN = re.compile(
    r"""(?P<raw>\b(?:u8|u|U|L)?R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)")
      | (?P<line>//[^\n]*(?:\\\n[^\n]*)*)
      | (?P<block>/\*.*?\*/)
      | (?P<include>^[ \t]*\#[ \t]*include[^\n]*)
      | (?P<number>\b[0-9](?:'?[0-9A-Za-z_.])*)
      | (?P<text>"(?:\\.|[^"\\\n])*")
      | (?P<char>'(?:\\.|[^'\\\n])+')""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)


def _blank(match):
    kind = match.lastgroup
    whole = match.group(0)
    if kind in ("include", "number"):
        return whole
    quote = {"text": '"', "char": "'", "raw": '"', "tag": '"'}.get(kind, "")
    return quote + "\n" * whole.count("\n") + quote if quote else " " + "\n" * whole.count("\n")


@functools.lru_cache(maxsize=None)
def code(path):
    """The text of a C++ file with comments and the insides of texts removed; line numbers stay true."""
    return _TOKEN.sub(_blank, path.read_text(encoding="utf-8", errors="replace"))


def includes(path):
    """(line, bracket, name) of every include."""
    for number, line in enumerate(code(path).splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1], match[2]


def component_lists(root):
    """component -> listed headers in their order, from cmake/peerkitHeaders.cmake."""
    text = (root / "cmake/peerkitHeaders.cmake").read_text()
    text = re.sub(r"#[^\n]*", "", text)
    return {name: body.split() for name, body in re.findall(r"set\(\s*peerkit_(\w+)_headers\b([^)]*)\)", text)}


def component_table(root):
    """(requires, dependencies): component -> names, from cmake/peerkitDependencies.cmake."""
    text = re.sub(r"#[^\n]*", "", (root / "cmake/peerkitDependencies.cmake").read_text())
    names = re.search(r"set\(\s*peerkit_components\b([^)]*)\)", text)[1].split()
    tables = []
    for what in ("requires", "dependencies"):
        found = dict(re.findall(r"set\(\s*peerkit_(\w+)_" + what + r"\b([^)]*)\)", text))
        tables.append({name: found.get(name, "").split() for name in names})
    return tables


def main(module):
    if len(sys.argv) != 2:
        print(f"usage: {pathlib.Path(sys.argv[0]).name} <root of the repository>\n\n{module.__doc__}")
        return 2
    root = pathlib.Path(sys.argv[1])
    if not (root / "include/peerkit").is_dir():
        print(f"{root}: not a peerkit tree")
        return 2
    found = sorted(module.check(root), key=lambda f: (f.path, f.line))
    for finding in found:
        print(f"{finding.path}:{finding.line}: {finding.text} [{finding.rule}]")
    broken = sorted({finding.rule for finding in found})
    for rule in broken:
        print(f"  {rule}: {module.RULES[rule]}")
    return 1 if found else 0
