// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Real name servers for tests and benchmarks: dnsmasq and Knot on free ports of the loopback, and one that is silent.
#ifndef PEERKIT_TESTS_SUPPORT_DNS_PROGRAMS_HPP
#define PEERKIT_TESTS_SUPPORT_DNS_PROGRAMS_HPP

#include <peerkit/net/child_process.hpp>
#include <peerkit/net/system.hpp>

#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace peerkit_test {

/// A directory of its own that goes with its owner.
class scratch_place {
public:
    scratch_place() {
        std::string pattern = (std::filesystem::temp_directory_path() / "peerkit-dns-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) std::abort();
        path_ = pattern;
    }
    scratch_place(scratch_place const&) = delete;
    scratch_place& operator=(scratch_place const&) = delete;
    ~scratch_place() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string path() const { return path_.string(); }
    [[nodiscard]] std::string write(std::string_view name, std::string_view text) const {
        std::ofstream{path_ / name, std::ios::binary} << text;
        return (path_ / name).string();
    }

private:
    std::filesystem::path path_;
};

[[nodiscard]] inline std::string text_of(std::string const& path) {
    std::ifstream in{path, std::ios::binary};
    return std::string{std::istreambuf_iterator<char>{in}, {}};
}

/// A UDP socket on a free port of the loopback that takes everything and says nothing: a dead server.
class silent_server {
public:
    silent_server() : socket_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
        sockaddr_in here{};
        here.sin_family = AF_INET;
        here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof here;
        auto* const name = reinterpret_cast<sockaddr*>(&here);
        if (::bind(socket_.get(), name, size) != 0 || ::getsockname(socket_.get(), name, &size) != 0) std::abort();
        port_ = ntohs(here.sin_port);
    }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::string at() const { return "127.0.0.1:" + std::to_string(port_); }

private:
    peerkit::net::owned_fd socket_;
    std::uint16_t port_ = 0;
};

/// A port of the loopback on which nobody listens now.
[[nodiscard]] inline std::uint16_t free_port() { return silent_server{}.port(); }

/// A name server that runs until this goes.
class dns_program {
public:
    /// dnsmasq with a configuration file and, as answers to fleet01.pk.test and so on, `fleet` addresses; none if there
    /// is no such program.
    [[nodiscard]] static std::optional<dns_program> dnsmasq(std::string const& configuration, int fleet) {
        dns_program made{free_port()};
        std::string hosts;
        for (int i = 1; i <= fleet; ++i) {
            std::array<char, 64> line{};
            std::snprintf(line.data(), line.size(), "10.8.0.%d fleet%02d.pk.test\n", i, i);
            hosts += line.data();
        }
        // It would become another user, who may not read what is ours.
        passwd const* const me = ::getpwuid(::getuid());
        std::vector<std::string> argv{"dnsmasq",
                                      "--keep-in-foreground",
                                      "--conf-file=" + configuration,
                                      "--port=" + std::to_string(made.port_),
                                      "--pid-file=",
                                      "--addn-hosts=" + made.place_->write("hosts", hosts),
                                      "--log-facility=-"};
        if (me != nullptr) argv.push_back("--user=" + std::string{me->pw_name});
        return std::move(made).started(std::move(argv), {"/usr/sbin/dnsmasq", "/sbin/dnsmasq", "/usr/bin/dnsmasq"});
    }
    /// Knot with a configuration that holds @PORT@ and @STATE_DIR@, and a zone file.
    [[nodiscard]] static std::optional<dns_program> knot(std::string const& configuration, std::string const& zone) {
        dns_program made{free_port()};
        std::string text = text_of(configuration);
        for (auto const& [mark, value] : {std::pair<std::string, std::string>{"@PORT@", std::to_string(made.port_)},
                                          {"@STATE_DIR@", made.place_->path()}}) {
            for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos;)
                text.replace(at, mark.size(), value);
        }
        (void)made.place_->write("kz.zone", text_of(zone));
        std::string const file = made.place_->write("knot.conf", text);
        return std::move(made).started({"knotd", "-c", file}, {"/usr/sbin/knotd", "/sbin/knotd", "/usr/bin/knotd"});
    }

    [[nodiscard]] std::string at() const { return "127.0.0.1:" + std::to_string(port_); }

    /// What it has printed so far, for a person who has to find out why it does not answer.
    [[nodiscard]] std::string printed() {
        std::string text;
        std::array<char, 4096> block{};
        for (peerkit::net::owned_fd const* from : {&output_, &diagnostics_}) {
            for (ssize_t got = 0; (got = ::read(from->get(), block.data(), block.size())) > 0;) {
                text.append(block.data(), static_cast<std::size_t>(got));
            }
        }
        return text;
    }

private:
    explicit dns_program(std::uint16_t port) : port_{port} {}

    /// Not every user has the directories of system programs in PATH.
    [[nodiscard]] std::optional<dns_program> started(std::vector<std::string> argv,
                                                     std::vector<std::string> const& places) && {
        for (std::string const& place : places) {
            if (::access(place.c_str(), X_OK) == 0) {
                argv.front() = place;
                break;
            }
        }
        auto child = peerkit::net::child_process::start(std::move(argv));
        if (!child) return std::nullopt;
        output_ = child->take_output();
        diagnostics_ = child->take_diagnostics();
        child_.emplace(std::move(*child));
        return std::move(*this);
    }

    std::unique_ptr<scratch_place> place_ = std::make_unique<scratch_place>();
    std::uint16_t port_;
    peerkit::net::owned_fd output_;
    peerkit::net::owned_fd diagnostics_;
    std::optional<peerkit::net::child_process> child_; ///< ended before its directory goes
};

} // namespace peerkit_test

#endif
