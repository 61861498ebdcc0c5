#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Proves that every rule of a lint can fail: a small clean tree passes, and each way of spoiling it is refused.
"""usage: selftest.py <name of a lint>

Every rule of the lint must have a case below, and each case must be refused for that rule and no other."""
import importlib
import pathlib
import sys
import tempfile

import tree

TWO = "// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).\n// A file of the self-test.\n"
TWO_SCRIPT = TWO.replace("//", "#")


def header(path, body="", guard=None):
    guard = guard or path.upper().replace("/", "_").replace(".", "_")
    return f"{TWO}#ifndef {guard}\n#define {guard}\n{body}\n#endif\n"


def unit(path, body='TEST_CASE("it works") {}\n'):
    return f"{TWO}#include <{path}>\n\n#include <doctest/doctest.h>\n\n{body}"


def lists(**components):
    text = TWO_SCRIPT
    for name in ("core", "crypto", "json", "net", "peerkit"):
        text += f"set(peerkit_{name}_headers\n" + "".join(f"    {h}\n" for h in components.get(name, [])) + ")\n"
    return text


LISTS = {
    "core": [
        "peerkit/core/a.hpp", "peerkit/core/impl/body.hpp", "peerkit/detail/config.hpp", "peerkit/discovery/d.hpp",
    ],
    "crypto": ["peerkit/crypto/s.hpp"],
    "json": ["peerkit/discovery/j.hpp"],
    "net": ["peerkit/net/n.hpp"],
    "peerkit": ["peerkit/peerkit.hpp"],
}
CONFIG = """#define PEERKIT_VERSION_MAJOR 0
#define PEERKIT_VERSION_MINOR 1
#define PEERKIT_VERSION_PATCH 0
#define PEERKIT_BEGIN_NAMESPACE namespace peerkit { inline namespace v0_1 {"""
TABLE = TWO_SCRIPT + """set(peerkit_components core crypto json net peerkit)
set(peerkit_core_requires)
set(peerkit_core_dependencies expected)
set(peerkit_crypto_requires core)
set(peerkit_crypto_dependencies sodium)
set(peerkit_json_requires core)
set(peerkit_json_dependencies simdjson)
set(peerkit_net_requires core crypto)
set(peerkit_net_dependencies asio)
set(peerkit_peerkit_requires core crypto json net)
set(peerkit_peerkit_dependencies)
"""
GOOD = {
    "include/peerkit/detail/config.hpp": header("peerkit/detail/config.hpp", CONFIG),
    "include/peerkit/core/a.hpp": header(
        "peerkit/core/a.hpp",
        "#include <peerkit/detail/config.hpp>\n#include <tl/expected.hpp>\n"
        "#include <peerkit/core/impl/body.hpp>\n// throw, std::cout and abort() in a comment are words\n"
        'inline char const* words = "throw std::cout << abort()"; inline int million = 1\'000\'000;\n'
        "#define helper 1\n#undef helper\nstatic_assert(sizeof(int) == 4);",
    ),
    "include/peerkit/core/impl/body.hpp": header("peerkit/core/impl/body.hpp", "#include <peerkit/core/a.hpp>"),
    "include/peerkit/crypto/s.hpp": header("peerkit/crypto/s.hpp", "#include <peerkit/core/a.hpp>\n#include <sodium.h>"),
    "include/peerkit/discovery/d.hpp": header("peerkit/discovery/d.hpp", "#include <peerkit/core/a.hpp>"),
    "include/peerkit/discovery/j.hpp": header("peerkit/discovery/j.hpp", "#include <simdjson.h>"),
    "include/peerkit/net/n.hpp": header(
        "peerkit/net/n.hpp", "#include <peerkit/crypto/s.hpp>\n#include <asio/ip/udp.hpp>\n#include <thread>"
    ),
    "include/peerkit/peerkit.hpp": header(
        "peerkit/peerkit.hpp", "#include <peerkit/discovery/j.hpp>\n#include <peerkit/net/n.hpp>"
    ),
    "cmake/peerkitHeaders.cmake": lists(**LISTS),
    "cmake/peerkitDependencies.cmake": TABLE,
    "cmake/packaging/vcpkg/ports/peerkit/vcpkg.json": '{ "version": "0.1.0" }\n',
    "tests/main.cpp": TWO + "#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN\n#include <doctest/doctest.h>\n",
    "tests/sim/scenario.cpp": TWO + '#include <doctest/doctest.h>\n\nTEST_CASE("a network") {}\n',
    "tests/support/helper.hpp": TWO + "int helper();\n",
    "README.md": "peerkit\n",
}
for listed in LISTS.values():
    for name in (name for name in listed if "/impl/" not in name):
        GOOD["tests/unit/" + name.removeprefix("peerkit/").replace(".hpp", ".cpp")] = unit(name)


BEHAVIOURS = "| 1 | a | here | `sim/behaviours.cpp` |\n" + "".join(
    f"| {number} | b | does not apply: no |  |\n" for number in range(2, 41)
)
GOOD["docs/behaviours.md"] = BEHAVIOURS
GOOD["tests/sim/behaviours.cpp"] = TWO + '#include <doctest/doctest.h>\n\nTEST_CASE("behaviour 1: a network") {}\n'


OPENAPI = TWO_SCRIPT + """openapi: 3.1.0
info:
  title: a
  version: 0.1.0
paths:
  /a:
    get:
      responses:
        "200":
          description: a
        "202":
          description: a
        "304":
          description: a
        "400":
          description: a
components:
  schemas:
    Code:
      type: string
      enum:
        - bad
"""
ROUTES = header("peerkit/registry/api.hpp", '    {"/a", "GET"},')
CODES = header("peerkit/registry/error.hpp", '    {registry_error::bad, 400, "bad", "it is bad"},')
# Files only one lint looks at.
GOOD_FOR = {
    "openapi": {
        "docs/registry_openapi.yaml": OPENAPI,
        "include/peerkit/registry/api.hpp": ROUTES,
        "include/peerkit/registry/error.hpp": CODES,
    }
}


def core(body):
    body = "#include <peerkit/core/impl/body.hpp>\n" + body
    return {"include/peerkit/core/a.hpp": header("peerkit/core/a.hpp", body)}


def with_header(component, path, body=""):
    changed = {name: sorted(listed + ([path] if name == component else [])) for name, listed in LISTS.items()}
    return {
        "include/" + path: header(path, body),
        "tests/unit/" + path.removeprefix("peerkit/").replace(".hpp", ".cpp"): unit(path),
        "cmake/peerkitHeaders.cmake": lists(**changed),
    }


def relisted(**changes):
    return {"cmake/peerkitHeaders.cmake": lists(**{**LISTS, **changes})}


# lint -> rule -> trees: what to write over the clean tree (None deletes).
BAD = {
    "floors": {
        "floor": [
            core("#include <peerkit/crypto/s.hpp>"),
            {
                **with_header("core", "peerkit/gossip/g.hpp"),
                "include/peerkit/discovery/d.hpp": header("peerkit/discovery/d.hpp", "#  include <peerkit/gossip/g.hpp>"),
            },
            {
                **with_header("core", "peerkit/sim/world.hpp"),
                "include/peerkit/net/n.hpp": header("peerkit/net/n.hpp", "#include <peerkit/sim/world.hpp>"),
            },
            {
                **with_header("core", "peerkit/sim/world.hpp", "#include <peerkit/net/n.hpp>"),
            },
        ],
        "unknown-floor": [with_header("core", "peerkit/misc/m.hpp"), with_header("core", "peerkit/loose.hpp")],
        "umbrella": [core("#include <peerkit/peerkit.hpp>")],
        "third-party": [
            core("#include <asio/buffer.hpp>"),
            core("#include <sodium.h>"),
            core("#include <simdjson.h>"),
            {"include/peerkit/net/n.hpp": header("peerkit/net/n.hpp", "#include <asio.hpp>")},
            {"include/peerkit/net/n.hpp": header("peerkit/net/n.hpp", "#include <sodium.h>")},
        ],
        "own-include": [core('#include "a2.hpp"')],
        "missing": [core("#include <peerkit/core/nowhere.hpp>")],
        "impl": [
            {"include/peerkit/core/impl/a.hpp": header("peerkit/core/impl/a.hpp")},
            {
                **core("#include <peerkit/core/impl/a.hpp>"),
                "include/peerkit/core/impl/a.hpp": header("peerkit/core/impl/a.hpp", "#include <peerkit/core/a.hpp>"),
                "include/peerkit/discovery/d.hpp": header(
                    "peerkit/discovery/d.hpp", "#include <peerkit/core/impl/a.hpp>"
                ),
            },
        ],
    },
    "headers": {
        "unlisted": [relisted(core=LISTS["core"][:-1])],
        "twice": [relisted(net=["peerkit/crypto/s.hpp", "peerkit/net/n.hpp"])],
        "gone": [relisted(core=[*LISTS["core"], "peerkit/node/gone.hpp"])],
        "unsorted": [relisted(core=list(reversed(LISTS["core"])))],
        "component": [
            relisted(core=sorted([*LISTS["core"], "peerkit/crypto/s.hpp"]), crypto=[]),
            with_header("core", "peerkit/discovery/k.hpp", "#include <peerkit/discovery/j.hpp>"),
            {"include/peerkit/net/n.hpp": header("peerkit/net/n.hpp", "#include <peerkit/discovery/j.hpp>")},
        ],
        "idle": [with_header("crypto", "peerkit/crypto/t.hpp")],
        "version": [
            {"cmake/packaging/vcpkg/ports/peerkit/vcpkg.json": '{ "version": "0.2.0" }\n'},
            {"include/peerkit/detail/config.hpp": header("peerkit/detail/config.hpp", CONFIG.replace("v0_1", "v0_2"))},
            {"include/peerkit/detail/config.hpp": header("peerkit/detail/config.hpp", CONFIG.replace("MINOR 1", ""))},
        ],
    },
    "pure": {
        "output": [
            core("#include <iostream>"),
            core('inline void f() { std::printf("x"); }'),
            core('inline void f() { puts("x"); }'),
            core('inline void f() { std::cerr << "x"; }'),
        ],
        "exception": [
            core("inline void f() { throw 1; }"),
            core("inline void f() { try { g(); } catch (...) {} }"),
        ],
        "rtti": [core("inline auto& f() { return typeid(int); }"), core("inline auto f(b* p) { return dynamic_cast<d*>(p); }")],
        "end": [
            core("inline void f() { std::abort(); }"),
            core("inline void f() { ::exit(1); }"),
            core("inline void f(int x) { assert(x); }"),
            core("#include <cassert>"),
        ],
        "world": [
            core("#include <mutex>"),
            core("inline auto f() { return std::chrono::steady_clock::now(); }"),
            core("inline auto f() { return std::random_device{}(); }"),
            core('inline auto f() { return std::getenv("x"); }'),
        ],
    },
    "text": {
        "ascii": [core("// caf\u00e9"), {"cmake/x.cmake": TWO_SCRIPT + "# \u2192\n"}],
        "header": [
            {"tests/sim/scenario.cpp": '#include <doctest/doctest.h>\n\nTEST_CASE("a network") {}\n'},
            {"tests/x.sh": "#!/bin/sh\n" + TWO_SCRIPT.split("\n", maxsplit=1)[0] + "\nls\n"},
        ],
        "guard": [
            {"include/peerkit/core/a.hpp": header("peerkit/core/a.hpp", guard="A_HPP")},
            {"include/peerkit/core/a.hpp": header("peerkit/core/a.hpp") + "int outside;\n"},
            {"include/peerkit/core/a.hpp": TWO + "#pragma once\n"},
        ],
        "blank": [
            core("int\tx;"),
            core("int x; "),
            {"tests/sim/scenario.cpp": GOOD["tests/sim/scenario.cpp"] + "\n"},
            {"tests/sim/scenario.cpp": GOOD["tests/sim/scenario.cpp"].rstrip("\n")},
        ],
        "width": [core("// " + "x" * 118)],
    },
    "macros": {
        "leak": [core("#define helper 1"), core("#undef x\n#define MAX(a) a\n".replace("#undef x\n", ""))],
        "foreign": [core("#undef max")],
    },
    "tests": {
        "untested": [{"tests/unit/core/a.cpp": None}, {"include/peerkit/core/b.hpp": header("peerkit/core/b.hpp")}],
        "first": [{"tests/unit/core/a.cpp": unit("doctest/doctest.h")}],
        "stray": [{"tests/unit/core/b.cpp": unit("peerkit/core/b.hpp")}],
        "empty": [{"tests/unit/core/a.cpp": unit("peerkit/core/a.hpp", '// TEST_CASE("later")\n')}],
        "unbuilt": [
            {"tests/support/helper.hpp": GOOD["tests/support/helper.hpp"] + 'TEST_CASE("x") {}\n'},
            {"tests/sim/deep/scenario.cpp": GOOD["tests/sim/scenario.cpp"]},
        ],
        "main": [{"tests/sim/scenario.cpp": GOOD["tests/sim/scenario.cpp"] + "int main() {}\n"}],
    },
    "behaviours": {
        "row": [
            {"docs/behaviours.md": BEHAVIOURS.replace("| 40 | b | does not apply: no |  |\n", "")},
            {"docs/behaviours.md": BEHAVIOURS.replace("| 3 |", "| 2 |")},
        ],
        "untested": [{"docs/behaviours.md": BEHAVIOURS.replace("| 2 | b | does not apply: no |", "| 2 | b | no |")}],
        "where": [
            {"docs/behaviours.md": BEHAVIOURS.replace("`sim/behaviours.cpp`", "`sim/others.cpp`")},
            {"tests/sim/scenario.cpp": TWO + 'TEST_CASE("behaviours 1 and 2: a network") {}\n'},
        ],
        "number": [{"tests/sim/scenario.cpp": TWO + 'TEST_CASE("behaviour 41: a network") {}\n'}],
    },
    "openapi": {
        "route": [
            {"docs/registry_openapi.yaml": OPENAPI.replace("  /a:", "  /b:")},
            {"docs/registry_openapi.yaml": OPENAPI.replace("    get:", "    put:")},
            {"include/peerkit/registry/api.hpp": ROUTES.replace('{"/a"', '{"/b", "GET"},\n    {"/a"')},
        ],
        "status": [
            {"docs/registry_openapi.yaml": OPENAPI.replace('"202"', '"201"')},
            {"include/peerkit/registry/error.hpp": CODES.replace("400", "413")},
        ],
        "code": [
            {"docs/registry_openapi.yaml": OPENAPI.replace("- bad", "- worse")},
            {"docs/registry_openapi.yaml": OPENAPI + "        - worse\n"},
        ],
        "version": [{"docs/registry_openapi.yaml": OPENAPI.replace("version: 0.1.0", "version: 0.2.0")}],
        "valid": [{"docs/registry_openapi.yaml": OPENAPI.replace("openapi: 3.1.0", "openapi: 9")}],
    },
    "committed": {
        "path": [
            {"README.md": "see /" + "work/main/README\n"},
            {"README.md": "see ../" + "shared/notes\n"},
            {"docs/x.md": "`shared" + "/reference/a.md`\n"},
        ],
        "secret": [
            {"README.md": "-----BEGIN " + "PRIVATE KEY-----\n"},
            {"examples/node.env": "TS_AUTHKEY=tskey-" + "auth-kAbCdEf12345678\n"},
            {"examples/node.key": "00\n"},
        ],
        "size": [{"bench/big.json": "x" * (1024 * 1024 + 1)}, {"examples/program": "\x7fELF"}],
    },
}


def build(root, changes):
    for path, text in {**GOOD, **GOOD_FOR.get(sys.argv[1], {}), **changes}.items():
        if text is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")


def found(lint, changes):
    with tempfile.TemporaryDirectory() as scratch:
        root = pathlib.Path(scratch) / "tree"
        build(root, changes)
        tree.code.cache_clear()
        return list(lint.check(root))


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in BAD:
        print(__doc__)
        return 2
    name = sys.argv[1]
    lint = importlib.import_module(name)
    complaints = []
    for finding in found(lint, {}):
        complaints.append(f"the clean tree is refused: {finding}")
    for rule in lint.RULES.keys() - BAD[name].keys():
        complaints.append(f"rule {rule} has no tree that it refuses")
    for rule in BAD[name].keys() - lint.RULES.keys():
        complaints.append(f"there is no rule {rule}")
    for rule, trees in BAD[name].items():
        for number, changes in enumerate(trees):
            rules = {finding.rule for finding in found(lint, changes)}
            if rules != {rule}:
                complaints.append(f"tree {number} for rule {rule} is refused for {sorted(rules) or 'nothing'}")
    print("\n".join(complaints) if complaints else f"{name}: {len(lint.RULES)} rules can fail")
    return 1 if complaints else 0


sys.exit(main())
