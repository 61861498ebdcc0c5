#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# The registry's OpenAPI file, its routes and its errors say the same.
"""Checks docs/registry_openapi.yaml against registry/api.hpp and registry/error.hpp, and, where Python has the packages
for it (yaml, openapi_spec_validator), that it is valid."""
import re
import sys

import tree

FILE = "docs/registry_openapi.yaml"
API = "include/peerkit/registry/api.hpp"
ERRORS = "include/peerkit/registry/error.hpp"
RULES = {
    "route": f"{FILE} describes the routes of {API} with their methods, and no others",
    "status": "it names statuses that errors have, or 200, 202 and 304, and no others; all of them but 404 and 405 of "
    "unknown routes, 500 and 502",
    "code": f"it lists the codes of {ERRORS}, in that order",
    "version": "it is of the version that detail/config.hpp states",
    "valid": "it is a valid OpenAPI document",
}
ROUTE = re.compile(r'^\s*\{"(/[\w/]+)", "([A-Z]+)"\},$', re.M)
ROW = re.compile(r'^\s*\{registry_error::\w+, (\d+), "(\w+)"', re.M)
GOOD = {200, 202, 304}
# Of shells and of exchanges between registries, which say them in no route.
ELSEWHERE = {404, 405, 500, 502}


def read(root, name):
    path = root / name
    return path.read_text() if path.is_file() else ""


def check(root):
    text = read(root, FILE)
    routes = set(ROUTE.findall(read(root, API)))
    if not text and not routes:
        return
    paths, codes = text.partition("\ncomponents:\n")[0], text.partition("\n    Code:\n")[2]
    described, path = set(), ""
    for line in paths.splitlines():
        if found := re.match(r"^  (/[\w/]*):$", line):
            path = found.group(1)
        elif (found := re.match(r"^    (get|put|post|delete|patch|head):$", line)) and path:
            described.add((path, found.group(1).upper()))
    for route in sorted(routes ^ described):
        where = "is not described" if route in routes else "does not exist"
        yield tree.Finding("route", FILE, 1, f"{route[1]} {route[0]} {where}")

    rows = ROW.findall(read(root, ERRORS))
    possible = {int(status) for status, _ in rows} | GOOD
    named = {int(status) for status in re.findall(r'^        "(\d{3})":$', paths, re.M)}
    for status in sorted((named - possible) | (possible - named - ELSEWHERE)):
        where = "no error has it" if status in named else "no route has it"
        yield tree.Finding("status", FILE, 1, f"{status}: {where}")
    if re.findall(r"^        - (\w+)$", codes, re.M) != [code for _, code in rows]:
        yield tree.Finding("code", FILE, 1, f"the codes are not those of {ERRORS}")

    config = read(root, "include/peerkit/detail/config.hpp")
    numbers = re.findall(r"define PEERKIT_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", config)
    if f"\n  version: {'.'.join(numbers)}\n" not in text:
        yield tree.Finding("version", FILE, 1, f"is not of version {'.'.join(numbers)}")
    yield from validate(text)


def validate(text):
    if not re.search(r"^openapi: 3\.", text, re.M):
        yield tree.Finding("valid", FILE, 1, "is no OpenAPI document of version 3")
        return
    try:
        import openapi_spec_validator
        import yaml
    except ImportError:
        return
    try:
        openapi_spec_validator.validate(yaml.safe_load(text))
    except Exception as what:
        yield tree.Finding("valid", FILE, 1, str(what).splitlines()[0])


if __name__ == "__main__":
    sys.exit(tree.main(sys.modules[__name__]))
