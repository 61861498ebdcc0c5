// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The example programs as separate processes: two find each other, one leaves, one is killed and comes back.
#include <peerkit/net/child_process.hpp>
#include <peerkit/net/port_pair.hpp>

#include <asio/io_context.hpp>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using peerkit::net::child_process;

/// A started program and what it has printed so far.
class program {
public:
    explicit program(std::vector<std::string> argv) : child_{start(std::move(argv))}, output_{child_.take_output()} {}

    /// Reads until the output holds `text` behind what was waited for before; false when it does not come.
    bool says(std::string_view text) {
        auto const end = std::chrono::steady_clock::now() + 60s;
        for (;;) {
            std::size_t const found = text_.find(text, seen_);
            if (found != std::string::npos) {
                seen_ = found + text.size();
                return true;
            }
            if (std::chrono::steady_clock::now() > end) break;
            pollfd ready{output_.get(), POLLIN, 0};
            (void)::poll(&ready, 1, 100);
            std::array<char, 4096> block{};
            ssize_t const got = ::read(output_.get(), block.data(), block.size());
            if (got > 0) text_.append(block.data(), static_cast<std::size_t>(got));
            if (got == 0) break;
        }
        std::fprintf(stderr, "waited for '%.*s', which did not follow:\n%s\n", static_cast<int>(text.size()),
                     text.data(), text_.c_str());
        return false;
    }
    void signal(int number) const { (void)::kill(child_.pid(), number); }
    /// True if it ended by itself with status 0 within some seconds.
    bool ended_well() {
        for (int i = 0; i < 3000; ++i) {
            int status = 0;
            if (::waitpid(child_.pid(), &status, WNOHANG) == child_.pid())
                return WIFEXITED(status) && WEXITSTATUS(status) == 0;
            std::this_thread::sleep_for(10ms);
        }
        return false;
    }

private:
    static child_process start(std::vector<std::string> argv) {
        auto child = child_process::start(std::move(argv));
        if (child) return std::move(*child);
        std::fprintf(stderr, "%s\n", child.error().message().c_str());
        std::exit(1);
    }

    child_process child_;
    peerkit::net::owned_fd output_;
    std::string text_;
    std::size_t seen_ = 0;
};

std::string free_port() {
    asio::io_context loop;
    peerkit::net::listen_options options;
    options.address = peerkit::ip_address::v4(127, 0, 0, 1);
    options.port = 0;
    auto const pair = peerkit::net::port_pair::open(loop.get_executor(), options);
    if (pair) return std::to_string(pair->local().port);
    std::fprintf(stderr, "%s\n", pair.error().message().c_str());
    std::exit(1);
}

/// `command(port, peer's port or "")` gives the arguments of one node.
template <typename Command>
bool find_leave_die_and_return(char const* name, Command command) {
    std::printf("%s\n", name);
    std::string const here = free_port(), there = free_port();
    program first{command(here, "")};
    if (!first.says("discovery-started")) return false;
    {
        program second{command(there, here)};
        if (!second.says("2 alive") || !first.says("2 alive")) return false;
        second.signal(SIGINT);
        if (!first.says("left ") || !second.says("self-left") || !second.ended_well()) return false;
    }
    auto second = std::make_unique<program>(command(there, here));
    if (!second->says("2 alive") || !first.says("2 alive")) return false;
    second->signal(SIGKILL);
    if (!first.says("suspected ") || !first.says("dead ")) return false;
    second = std::make_unique<program>(command(there, here));
    if (!second->says("2 alive") || !first.says("2 alive")) return false;
    first.signal(SIGTERM);
    return first.says("self-left") && first.ended_well() && second->says("left ");
}

/// Two chat: what one says the other hears, and each member answers who it is.
bool talks(std::string const& chat, std::string const& key) {
    std::printf("chat\n");
    std::string const here = free_port(), there = free_port();
    // The shell types; when it is done the program leaves.
    auto const typing = [&](std::string const& typed, std::string const& port, std::string const& peers,
                            std::string const& name) {
        return std::vector<std::string>{
            "/bin/sh", "-c", "(" + typed + ") | exec " + chat + " " + key + " " + port + " \"" + peers + "\" " + name};
    };
    program ann{typing("sleep 6; echo /who; sleep 3", here, "", "ann")};
    program bob{typing("sleep 3; echo good morning; sleep 5", there, "127.0.0.1:" + here, "bob")};
    return bob.says("came: ann") && ann.says("came: bob") && ann.says("bob: good morning") &&
           ann.says("bob: I am bob, ann") && bob.ended_well() && ann.ended_well();
}

/// Two share their settings: one sets and erases, the other is told, and a third that comes later is told what is left.
bool shares(std::string const& settings, std::string const& key) {
    std::printf("shared_settings\n");
    std::string const here = free_port(), there = free_port(), later = free_port();
    auto const typing = [&](std::string const& typed, std::string const& port, std::string const& peers,
                            std::string const& name) {
        return std::vector<std::string>{"/bin/sh", "-c",
                                        "(" + typed + ") | exec " + settings + " " + key + " " + port + " \"" + peers +
                                            "\" " + name};
    };
    program ann{typing("echo color=red; echo size=7; sleep 4; echo size; echo no such key; sleep 8", here, "", "ann")};
    program bob{typing("sleep 8", there, "127.0.0.1:" + here, "bob")};
    if (!bob.says("ann: color = red") || !bob.says("ann: size is gone") || !ann.says("no such key: ")) return false;
    program eve{typing("sleep 4", later, "127.0.0.1:" + here, "eve")};
    return eve.says("ann: color = red") && bob.ended_well() && ann.ended_well() && eve.ended_well();
}

} // namespace

int main() {
    char const* const directory = std::getenv("PEERKIT_EXAMPLES_DIR");
    std::string const examples = directory != nullptr ? directory : ".";
    std::string const sans_io = examples + "/sans_io", hello = examples + "/hello";
    if (::access(sans_io.c_str(), X_OK) != 0 || ::access(hello.c_str(), X_OK) != 0) {
        std::printf("skipped: no examples in %s\n", examples.c_str());
        return 77;
    }
    bool const plain = find_leave_die_and_return("sans_io", [&](std::string const& port, std::string const& peer) {
        std::vector<std::string> argv{sans_io, port};
        if (!peer.empty()) argv.push_back(peer);
        return argv;
    });
    std::string const key = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef";
    bool const friendly = find_leave_die_and_return("hello", [&](std::string const& port, std::string const& peer) {
        return std::vector<std::string>{hello, key, port, peer.empty() ? peer : "127.0.0.1:" + peer};
    });
    return plain && friendly && talks(examples + "/chat", key) && shares(examples + "/shared_settings", key) ? 0 : 1;
}
