// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// peerkit-node: a complete node, its keys, and a look at a running one. See --help.
#include "api_server.hpp"
#include "keys.hpp"
#include "program.hpp"
#include "settings.hpp"

#include <cstdio>
#include <utility>

int main(int argc, char** argv) {
    using namespace node_program;
    try {
        command c = parse(argc, argv);
        switch (c.what) {
        case command::kind::print_and_exit: return std::fputs(c.text.c_str(), stdout) < 0 ? exit_failed : exit_ok;
        case command::kind::keygen: return make_identity(c.file);
        case command::kind::psk: return make_network_key(c.file);
        case command::kind::status: return print_status(c.api);
        case command::kind::run: return c.run.key ? run_sealed(std::move(c.run)) : run_open(std::move(c.run));
        }
    } catch (refusal const& e) {
        std::fprintf(stderr, "peerkit-node: %s\n", e.what());
        if (e.code == exit_bad_usage) std::fputs("See peerkit-node --help.\n", stderr);
        return e.code;
    } catch (std::exception const& e) {
        std::fprintf(stderr, "peerkit-node: %s\n", e.what());
    }
    return exit_failed;
}
