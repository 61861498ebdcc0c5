// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// peerkit-registry: a place where nodes find each other. See --help.
#include "settings.hpp"
#include "storage.hpp"

#include <peerkit/net/registry_server.hpp>
#ifdef PEERKIT_REGISTRY_HAS_HTTP
#    include <peerkit/net/http_client.hpp>
#endif

#include <asio/error_code.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>

namespace registry_program {
namespace {

using namespace peerkit;

void print(std::string const& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

class program {
public:
    explicit program(settings with) : settings_{std::move(with)} {}

    int run() {
        std::signal(SIGPIPE, SIG_IGN);
        auto server = net::registry_server::start(loop_.get_executor(), configure());
        if (!server) throw refusal{exit_failed, "the registry does not start: " + server.error().message()};
        auto const& logic = server->logic();
        print("registry " + logic.options().name + " (" + std::string{to_string(logic.options().role)} +
              ") listens on " + server->local().to_string() + ", " + std::to_string(logic.table().size()) +
              " nodes, version " + std::to_string(logic.state().version));
        signals_.async_wait([&](asio::error_code ec, int) {
            if (!ec) server->stop();
        });
        loop_.run();
        return exit_ok;
    }

private:
    net::registry_config configure() {
        net::registry_config config;
        config.options = settings_.options;
        config.http.address = settings_.address;
        config.http.port = settings_.port;
        config.root = settings_.root;
        config.ca_file = settings_.ca_file;
        if (!settings_.root.empty()) config.client = make_client();
        if (!settings_.database.empty()) {
            stored kept = open_storage(settings_);
            config.storage = std::move(kept.storage);
            config.saved = std::move(kept.state);
            config.restored = !settings_.restore.empty();
            if (!settings_.snapshots.empty()) config.snapshot_interval = settings_.snapshot_interval;
        }
        config.on_notice = [this](discovery::notice const& told) {
            bool const warning = told.level == discovery::notice::severity::warning;
            if (warning || !settings_.quiet) {
                print((warning ? "warning: " : "") + told.text + (warning ? " (" + told.what.message() + ")" : ""));
            }
        };
        return config;
    }
    net::any_http_client make_client() {
#ifdef PEERKIT_REGISTRY_HAS_HTTP
        return net::http_client{loop_.get_executor()};
#else
        throw refusal{exit_failed, "--root: this program was built without cpp-httplib"};
#endif
    }

    settings settings_;
    asio::io_context loop_{1};
    asio::signal_set signals_{loop_, SIGINT, SIGTERM};
};

} // namespace
} // namespace registry_program

int main(int argc, char** argv) {
    using namespace registry_program;
    try {
        settings s = parse(argc, argv);
        if (!s.print.empty()) return std::fputs(s.print.c_str(), stdout) < 0 ? exit_failed : exit_ok;
        return program{std::move(s)}.run();
    } catch (refusal const& e) {
        std::fprintf(stderr, "peerkit-registry: %s\n", e.what());
        if (e.code == exit_bad_usage) std::fputs("See peerkit-registry --help.\n", stderr);
        return e.code;
    } catch (std::exception const& e) {
        std::fprintf(stderr, "peerkit-registry: %s\n", e.what());
    }
    return exit_failed;
}
