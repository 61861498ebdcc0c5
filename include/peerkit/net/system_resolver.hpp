// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Names to addresses and back by the system's resolver, on threads nobody waits for.
#ifndef PEERKIT_NET_SYSTEM_RESOLVER_HPP
#define PEERKIT_NET_SYSTEM_RESOLVER_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/convert.hpp>
#include <peerkit/net/resolver.hpp>
#include <peerkit/net/system.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/post.hpp>

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// What the system's resolver said.
struct looked_up {
    int code = 0;                      ///< 0, or EAI_...
    int system_error = 0;              ///< errno where the code is EAI_SYSTEM
    std::vector<ip_address> addresses; ///< of a name: without duplicates, in the resolver's order
    std::string host;                  ///< of an address
};

/// The system's resolver (getaddrinfo, getnameinfo), which knows whatever the system is set up for: the hosts file,
/// DNS, multicast DNS, the names of a VPN. Blocks. A `basic_system_resolver` can be given something else.
struct ask_system {
    [[nodiscard]] looked_up operator()(discovery::resolve_name const& wanted) const {
        looked_up answer;
        addrinfo hints{};
        hints.ai_family = wanted.families == discovery::address_families::v4   ? AF_INET
                          : wanted.families == discovery::address_families::v6 ? AF_INET6
                                                                               : AF_UNSPEC;
        hints.ai_socktype = SOCK_DGRAM;
        addrinfo* list = nullptr;
        answer.code = ::getaddrinfo(wanted.host.c_str(), nullptr, &hints, &list);
        answer.system_error = errno;
        if (answer.code != 0) return answer;
        for (addrinfo const* a = list; a != nullptr; a = a->ai_next) {
            ip_address const found = from_system(a->ai_addr, a->ai_addrlen).address;
            bool const seen =
                std::find(answer.addresses.begin(), answer.addresses.end(), found) != answer.addresses.end();
            if (found && !seen) answer.addresses.push_back(found);
        }
        ::freeaddrinfo(list);
        if (answer.addresses.empty()) answer.code = EAI_NONAME;
        return answer;
    }
    [[nodiscard]] looked_up operator()(discovery::resolve_address const& wanted) const {
        looked_up answer;
        sockaddr_storage name{};
        int const family = wanted.address.family() == ip_family::v6 ? AF_INET6 : AF_INET;
        socklen_t const size = to_system({wanted.address, 0}, family, name);
        std::array<char, NI_MAXHOST> host{};
        answer.code = ::getnameinfo(reinterpret_cast<sockaddr const*>(&name), size, host.data(), host.size(), nullptr,
                                    0, NI_NAMEREQD);
        answer.system_error = errno;
        if (answer.code == 0) answer.host = host.data();
        if (answer.host.ends_with('.')) answer.host.pop_back();
        return answer;
    }
};

/// Asks the system's resolver without blocking the executor. A `Resolver`; SRV and TXT records are `unsupported`.
///
/// A call of the system's resolver cannot be cancelled and may take tens of seconds; it runs on a thread of its own,
/// and whoever stops waiting leaves it behind. Asio's resolver would hold up both `run()` and the destruction of its
/// context until the call returns. At most `max_threads` calls run at once, those left behind included; further
/// lookups wait for a free thread within their own time. The threads share nothing else with the executor.
///
/// What it cannot know: how long an answer is good, and whether a name server failed or was silent where the system
/// itself gives up before the request does; both are then `server_failed`. Many names at a time, and names behind a
/// dead server, are better asked of a `cares_resolver`.
///
/// @par Errors `unresolved` and `server_failed` (position: the EAI code), `timed_out`, `unavailable` (errno: no thread,
/// no memory; ECANCELED: stopped), `unsupported`
/// @par Lifetime
/// It may be moved or destroyed while lookups run: they go on.
/// @tparam Ask gives a `looked_up` for a `resolve_name` and for a `resolve_address`, on any thread, by copies of itself
template <typename Ask>
class basic_system_resolver {
public:
    explicit basic_system_resolver(asio::any_io_executor executor, std::size_t max_threads = 16, Ask ask = {})
        : shared_{std::make_shared<shared>(std::move(executor), max_threads, std::move(ask))} {}

    /// An address is its own answer.
    [[nodiscard]] lookup_of<discovery::resolve_name> resolve(std::shared_ptr<stop_state> stop,
                                                             discovery::resolve_name request) {
        return addresses_of(shared_, std::move(stop), std::move(request));
    }
    [[nodiscard]] lookup_of<discovery::resolve_address> resolve(std::shared_ptr<stop_state> stop,
                                                                discovery::resolve_address request) {
        return name_of(shared_, std::move(stop), request);
    }
    [[nodiscard]] lookup_of<discovery::resolve_service> resolve(std::shared_ptr<stop_state>,
                                                                discovery::resolve_service request) {
        return unsupported_lookup(std::move(request));
    }
    [[nodiscard]] lookup_of<discovery::resolve_text> resolve(std::shared_ptr<stop_state>,
                                                             discovery::resolve_text request) {
        return unsupported_lookup(std::move(request));
    }

    /// Calls of the system's resolver that have not returned, whether anybody waits for them or not.
    [[nodiscard]] std::size_t running() const noexcept { return shared_->running->load(); }

private:
    struct shared {
        shared(asio::any_io_executor on, std::size_t most, Ask call)
            : executor{std::move(on)}, max_threads{most}, ask{std::move(call)} {}
        asio::any_io_executor executor;
        std::size_t max_threads;
        Ask ask;
        std::shared_ptr<std::atomic<std::size_t>> running = std::make_shared<std::atomic<std::size_t>>(0);
    };

    /// The asking side; lives and dies on the executor.
    struct waiter {
        explicit waiter(asio::any_io_executor const& executor) : done{executor} {}
        gate done;
        looked_up found;
        bool answered = false;
    };

    /// All that the thread knows of the asking side, until that leaves.
    class mailbox {
    public:
        mailbox(asio::any_io_executor executor, std::shared_ptr<waiter> asker)
            : reply_to_{std::move(executor)}, asker_{std::move(asker)} {}

        /// On the thread. The lock is held while posting, so that `leave` returns only when it is safe to end.
        void answer(looked_up what) {
            std::lock_guard const lock{mutex_};
            if (!asker_) return;
            asio::post(reply_to_, [asker = std::move(asker_), what = std::move(what)]() mutable {
                asker->found = std::move(what);
                asker->answered = true;
                asker->done.open();
            });
        }
        /// On the executor.
        void leave() noexcept {
            std::lock_guard const lock{mutex_};
            reply_to_ = asio::any_io_executor{};
            asker_.reset();
        }

    private:
        std::mutex mutex_;
        asio::any_io_executor reply_to_;
        std::shared_ptr<waiter> asker_; ///< null when answered or nobody waits
    };

    [[nodiscard]] static lookup_of<discovery::resolve_name> addresses_of(std::shared_ptr<shared> self,
                                                                         std::shared_ptr<stop_state> stop,
                                                                         discovery::resolve_name request) {
        discovery::resolved answer;
        if (auto const address = ip_address::parse(request.host)) {
            answer.addresses.push_back(*address);
            co_return answer;
        }
        // The system takes a text that ends at the first zero.
        if (request.host.empty() || request.host.find('\0') != std::string::npos) {
            co_return fail(discovery::discovery_error::unresolved, 0, "host name");
        }
        duration const limit = lookup_bound(request);
        auto got = co_await ask(std::move(self), std::move(stop), std::move(request), limit);
        if (!got) co_return fail(got.error());
        answer.addresses = std::move(got->addresses);
        co_return answer;
    }
    [[nodiscard]] static lookup_of<discovery::resolve_address> name_of(std::shared_ptr<shared> self,
                                                                       std::shared_ptr<stop_state> stop,
                                                                       discovery::resolve_address request) {
        if (!request.address) co_return fail(discovery::discovery_error::unresolved, 0, "address");
        auto got = co_await ask(std::move(self), std::move(stop), request, request.timeout);
        if (!got) co_return fail(got.error());
        co_return discovery::named{std::move(got->host)};
    }

    template <typename Request>
    [[nodiscard]] static asio::awaitable<result<looked_up>> ask(std::shared_ptr<shared> self,
                                                                std::shared_ptr<stop_state> stop, Request request,
                                                                duration limit) {
        using discovery::discovery_error;
        if (stop->stopped()) co_return fail(discovery_error::unavailable, ECANCELED, "lookup");

        auto const asker = std::make_shared<waiter>(self->executor);
        auto const box = std::make_shared<mailbox>(self->executor, asker);
        // Whichever way this ends, even by destruction, the thread must not touch an executor that may be gone.
        struct leaving {
            std::shared_ptr<mailbox> box;
            ~leaving() { box->leave(); }
        } const leaves{box};
        watchdog guard{self->executor, stop, limit, [asker] { asker->done.open(); }};

        bool started = false;
        while (!guard.fired() && !started) {
            if (self->running->load() < self->max_threads) {
                ++*self->running;
                int const failed =
                    run_detached([box, request = std::move(request), running = self->running, asked = self->ask] {
                        looked_up answer;
                        try {
                            answer = asked(request);
                        } catch (std::bad_alloc const&) {
                            answer.code = EAI_MEMORY;
                        }
                        --*running;
                        box->answer(std::move(answer));
                    });
                if (failed != 0) {
                    --*self->running;
                    co_return fail(discovery_error::unavailable, static_cast<std::uint64_t>(failed), "thread");
                }
                started = true;
            } else {
                co_await pause_for(self->executor, stop, std::chrono::milliseconds{5});
            }
        }
        if (started) co_await asker->done.wait();

        if (asker->answered) {
            if (asker->found.code != 0) co_return fail(why(asker->found));
            co_return std::move(asker->found);
        }
        if (guard.stopped()) co_return fail(discovery_error::unavailable, ECANCELED, "lookup");
        co_return fail(lookup_timed_out(limit));
    }

    [[nodiscard]] static error why(looked_up const& found) noexcept {
        using enum discovery::discovery_error;
        auto const code = static_cast<std::uint64_t>(std::abs(found.code));
        switch (found.code) {
        case EAI_NONAME:
#ifdef EAI_NODATA // glibc: such a name, but no address
        case EAI_NODATA:
#endif
#ifdef EAI_ADDRFAMILY // ... or none of that family
        case EAI_ADDRFAMILY:
#endif
            return {unresolved, code, "host name"};
        case EAI_MEMORY: return {unavailable, ENOMEM, "lookup"};
        case EAI_SYSTEM: return {unavailable, static_cast<std::uint64_t>(found.system_error), "lookup"};
        default: return {server_failed, code, "host name"};
        }
    }

    std::shared_ptr<shared> shared_;
};

using system_resolver = basic_system_resolver<ask_system>;
static_assert(check_resolver<system_resolver>());

} // namespace net
PEERKIT_END_NAMESPACE

#endif
