// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Multicast DNS from the command line, for tests against other implementations; alone it tests itself on the loopback.
//
//   integration_mdns_tool                                         publish and find on the loopback
//   integration_mdns_tool browse <interface> <service> <seconds>  print every instance that is there at the end
//   integration_mdns_tool publish <interface> <service> <instance> <port> <text>...   until standard input ends
#include <peerkit/net/mdns.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <net/if.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
namespace discovery = peerkit::discovery;
namespace net = peerkit::net;

struct process {
    asio::io_context loop;
    std::shared_ptr<net::stop_state> stop = std::make_shared<net::stop_state>();
    std::shared_ptr<net::mdns_link> link;

    explicit process(net::mdns_link_options options) {
        auto random = peerkit::crypto::secure_rng::make();
        if (!random) std::exit(2);
        link = net::mdns_link::make(loop.get_executor(), stop, std::move(*random), std::move(options));
    }
};

int complain(peerkit::error const& why) {
    std::fprintf(stderr, "%s\n", why.message().c_str());
    return 1;
}

void print(discovery::service_instance const& one) {
    std::printf("instance=%s host=%s port=%u", one.instance.c_str(), one.host.c_str(), unsigned{one.port});
    for (auto const& a : one.addresses) std::printf(" address=%s", a.to_string().c_str());
    for (auto const& t : one.text) std::printf(" text=%s", t.c_str());
    std::printf(" ttl=%lld\n", static_cast<long long>(one.time_to_live / 1s));
}

int browse(std::string const& interface, std::string const& service, int seconds) {
    process p{{.interfaces = {interface}}};
    int status = 1;
    discovery::browse_services const wanted{service, std::chrono::seconds{seconds}};
    asio::co_spawn(p.loop, p.link->browse(p.stop, wanted),
                   [&](std::exception_ptr, peerkit::result<discovery::service_instances> got) {
                       if (!got) {
                           status = complain(got.error());
                       } else {
                           for (auto const& one : got->instances) print(one);
                           status = 0;
                       }
                       p.stop->stop();
                   });
    p.loop.run();
    return status;
}

int publish(std::string const& interface, discovery::mdns_publication const& what) {
    process p{{.interfaces = {interface}}};
    auto const id = p.link->publish(what);
    if (!id) return complain(id.error());
    asio::posix::stream_descriptor input{p.loop, ::dup(STDIN_FILENO)};
    char byte = 0;
    // The name, whenever it is ours on every link, and again when it has changed.
    asio::co_spawn(
        p.loop,
        [&]() -> asio::awaitable<void> {
            std::string told;
            while (!p.stop->stopped()) {
                auto const* const one = p.link->published(*id);
                if (one != nullptr && one->is_established() && told != one->instance()) {
                    told = one->instance();
                    std::printf("published %s\n", told.c_str());
                    std::fflush(stdout);
                }
                co_await net::pause_for(p.loop.get_executor(), p.stop, 20ms);
            }
        },
        asio::detached);
    input.async_read_some(asio::buffer(&byte, 1), [&](asio::error_code, std::size_t) { p.stop->stop(); });
    p.loop.run();
    return 0;
}

/// Two links of one process find each other on the loopback; a goodbye is heard.
int self_test() {
    // A port of its own, so that nothing else on the machine plays a part.
    net::mdns_link_options options{.port = static_cast<std::uint16_t>(20000 + ::getpid() % 20000), .v6 = false};
    options.interfaces = {::if_nametoindex("lo") != 0 ? "lo" : "lo0"};
    process p{options};
    auto const id = p.link->publish({.instance = "self test", .port = 9000, .text = {"v=1"}});
    if (!id) return complain(id.error());
    int status = 1;
    asio::co_spawn(
        p.loop,
        [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 60 && status != 0; ++i) {
                discovery::browse_services wanted{"_peerkit._udp", 500ms};
                auto const got = co_await p.link->browse(p.stop, std::move(wanted));
                if (!got) {
                    (void)complain(got.error());
                    break;
                }
                for (auto const& one : got->instances) {
                    if (one.instance == "self test" && one.port == 9000) status = 0;
                }
            }
            p.stop->stop();
        },
        asio::detached);
    p.loop.run();
    std::printf("%s\n", status == 0 ? "found" : "not found");
    return status;
}

} // namespace

int main(int argc, char** argv) {
    std::vector<std::string> const words(argv + 1, argv + argc);
    if (words.empty()) return self_test();
    if (words.size() == 4 && words[0] == "browse") return browse(words[1], words[2], std::atoi(words[3].c_str()));
    if (words.size() >= 5 && words[0] == "publish") {
        discovery::mdns_publication what;
        what.service = words[2];
        what.instance = words[3];
        what.port = static_cast<std::uint16_t>(std::atoi(words[4].c_str()));
        what.text.assign(words.begin() + 5, words.end());
        return publish(words[1], what);
    }
    std::fprintf(stderr, "see the comment on top of the source\n");
    return 2;
}
