// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A host's own way of finding peers: hosts of /etc/hosts whose name begins so. Try: custom_strategy /etc/hosts local
#include <peerkit/net/discovery_driver.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <cstdio>
#include <exception>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;

struct hosts_file {
    std::string path, prefix;

    std::string_view name() const noexcept { return "hosts_file"; }
    discovery::step begin(peerkit::time_point) { return discovery::step::ask(discovery::read_file{path}); }
    discovery::step resume(discovery::ticket, discovery::outcome got, peerkit::time_point) {
        auto const* const file = std::get_if<discovery::file_text>(&got);
        if (file == nullptr) return discovery::step::failed(discovery::why_not(got));
        std::vector<discovery::candidate> found;
        std::istringstream lines{file->text};
        for (std::string line, address, host; std::getline(lines, line);) {
            auto const there = std::istringstream{line} >> address >> host ? peerkit::ip_address::parse(address)
                                                                           : peerkit::fail(peerkit::core_error::empty);
            if (!there || !host.starts_with(prefix)) continue;
            discovery::candidate& c = found.emplace_back();
            c.name = c.name.cut(host);
            c.addresses = {{*there, peerkit::default_gossip_port}};
            c.source = discovery::provenance::host;
        }
        return discovery::step::found(std::move(found)).watching(discovery::watch_file{path, file->stamp});
    }
};
static_assert(discovery::check_strategy<hosts_file>()); // a node takes it, too: config.discovery = hosts_file{...}

int main(int argc, char** argv) {
    if (argc != 3) return std::fputs("usage: custom_strategy <hosts file> <prefix>\n", stderr), 2;
    asio::io_context loop;
    auto const driver = std::make_shared<peerkit::net::discovery_driver>(loop.get_executor(),
                                                                         std::make_shared<peerkit::net::stop_state>());
    hosts_file strategy{argv[1], argv[2]};
    bool found = false;
    auto report = [&](std::exception_ptr, peerkit::net::discovery_end end) {
        if (!end.answer) return static_cast<void>(std::fprintf(stderr, "%s\n", end.answer.error().message().c_str()));
        for (auto const& c : *end.answer) {
            std::printf("%.*s %s\n", static_cast<int>(c.name.view().size()), c.name.view().data(),
                        c.addresses.front().to_string().c_str());
        }
        found = !end.answer->empty();
    };
    asio::co_spawn(loop, driver->run(strategy, [](discovery::notice const&) {}), report);
    loop.run();
    return found ? 0 : 1;
}
