// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Looks up names by c-ares: all of them at the same time, each within its own time, from the servers one likes.
#ifndef PEERKIT_NET_CARES_RESOLVER_HPP
#define PEERKIT_NET_CARES_RESOLVER_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/dns_answer.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/cares_channel.hpp>
#include <peerkit/net/file_watch.hpp>
#include <peerkit/net/resolver.hpp>
#include <peerkit/wire/dns_message.hpp>
#include <peerkit/wire/dns_name.hpp>

#include <asio/any_io_executor.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// DNS by c-ares (1.18 or later). A `Resolver`.
///
/// Any number of lookups run at the same time on a few sockets, at most `cares_options::max_queries` questions under
/// way; those of one name (A and AAAA) go out together. Once one family has addresses, the other has a quarter of a
/// second left: a server that drops what it does not know must not cost every name its whole time. Aliases are
/// followed, a reply that was cut short is asked for again over TCP, and times to live are kept.
///
/// A name is taken as it stands, with or without a final dot: search domains and the hosts file have no part in it.
/// "localhost" and what ends in it is this machine (RFC 6761) without asking; an address is its own answer.
///
/// Within `tries` times `timeout` of a request the servers are asked again and again, at growing intervals: silence for
/// `cares_options::server_timeout` is enough to ask the next one. Then, or when the stop comes, the lookup ends at
/// once; a reply that comes later is dropped. Nothing stays behind when nobody waits.
///
/// @par Errors `unresolved` (position: c-ares's code, 4 no such name, 1 no such record), `server_failed` (3 SERVFAIL,
/// 6 REFUSED, 11 no server could be reached, ...), `timed_out`, `bad_reply`, `unavailable` (errno; ECANCELED: stopped,
/// or the resolver is gone), `bad_option` (`servers`)
/// @par Lifetime
/// May be moved or destroyed while lookups run; destroying it ends them. Destroyed before its context, like a socket.
/// @par Thread safety
/// Distinct resolvers: safe. One: everything happens on its executor.
class cares_resolver {
public:
    explicit cares_resolver(asio::any_io_executor executor, cares_options options = {})
        : engine_{std::make_shared<engine>(std::move(executor), std::move(options))} {}
    cares_resolver(cares_resolver&&) noexcept = default;
    cares_resolver& operator=(cares_resolver&& from) noexcept {
        if (this != &from) {
            close();
            engine_ = std::move(from.engine_);
        }
        return *this;
    }
    ~cares_resolver() { close(); }

    [[nodiscard]] lookup_of<discovery::resolve_name> resolve(std::shared_ptr<stop_state> stop,
                                                             discovery::resolve_name request) {
        return addresses_of(engine_, std::move(stop), std::move(request));
    }
    [[nodiscard]] lookup_of<discovery::resolve_service> resolve(std::shared_ptr<stop_state> stop,
                                                                discovery::resolve_service request) {
        return records_of<discovery::service_records>(engine_, std::move(stop), request.name, wire::dns_type::srv,
                                                      lookup_bound(request));
    }
    [[nodiscard]] lookup_of<discovery::resolve_text> resolve(std::shared_ptr<stop_state> stop,
                                                             discovery::resolve_text request) {
        return records_of<discovery::text_records>(engine_, std::move(stop), request.name, wire::dns_type::txt,
                                                   lookup_bound(request));
    }
    [[nodiscard]] lookup_of<discovery::resolve_address> resolve(std::shared_ptr<stop_state> stop,
                                                                discovery::resolve_address request) {
        return records_of<discovery::named>(engine_, std::move(stop),
                                            discovery::reverse_name(request.address).to_string(), wire::dns_type::ptr,
                                            lookup_bound(request));
    }

    /// Questions that c-ares has not answered yet; at most `max_queries`.
    [[nodiscard]] std::size_t under_way() const noexcept { return engine_->under_way(); }
    /// Questions that wait for one of those to end.
    [[nodiscard]] std::size_t in_line() const noexcept { return engine_->line.size(); }

private:
    /// How long the other family may take once one has answered.
    static constexpr std::chrono::milliseconds second_family{250};

    struct engine;

    /// One lookup: its questions, and who waits for them.
    struct lookup : std::enable_shared_from_this<lookup> {
        struct question {
            discovery::dns_asking asked;
            std::optional<error> failed{};
            bool answered = false;
            std::optional<std::list<std::pair<std::shared_ptr<lookup>, std::size_t>>::iterator> place{}; ///< in line
            [[nodiscard]] bool over() const noexcept { return answered || failed; }
        };

        lookup(std::shared_ptr<engine> of, std::vector<discovery::dns_asking> ask)
            : with{std::move(of)}, decisive{with->executor}, complete{with->executor} {
            for (discovery::dns_asking& one : ask) questions.push_back({.asked = std::move(one)});
            ++with->lookups;
        }
        lookup(lookup const&) = delete;
        lookup& operator=(lookup const&) = delete;
        virtual ~lookup() = default;

        /// Adds what a reply says to the outcome; see `discovery::read_dns_reply`.
        [[nodiscard]] virtual result<bool> read(byte_view reply, discovery::dns_asking& asked) = 0;

        /// On a reply, inside of c-ares, to what a question was after so many aliases.
        void take(std::size_t index, unsigned aliases, int status, byte_view reply) noexcept {
            question& one = questions[index];
            if (gone || status == ARES_ECANCELLED || status == ARES_EDESTRUCTION) return;
            if (one.over() || one.asked.aliases != aliases) return; // asked twice
            try {
                if (status == ARES_ETIMEOUT) return with->submit(this->shared_from_this(), index); // there is time left
                if (status != ARES_SUCCESS) {
                    one.failed = why(status);
                } else if (auto const done = read(reply, one.asked); !done) {
                    bool const none = done.error() == discovery::discovery_error::unresolved;
                    one.failed = none ? why(ARES_ENODATA) : done.error();
                } else if (*done) {
                    one.answered = true;
                } else {
                    return with->submit(this->shared_from_this(), index);
                }
            } catch (...) {
                one.failed = error{discovery::discovery_error::unavailable, ENOMEM, "lookup"};
            }
            settle();
        }
        void settle() {
            bool all = true, enough = false;
            for (question const& one : questions) {
                all = all && one.over();
                // No such name: that holds for every type. Some servers say so of one type and mean the type.
                enough = enough || one.answered || (one.failed && no_such_name(*one.failed));
            }
            if (all) complete.open();
            if (all || enough) decisive.open();
        }
        /// Asks once more for what is open.
        void insist() {
            for (std::size_t i = 0; i < questions.size(); ++i) {
                if (!gone && !questions[i].over() && !questions[i].place) with->submit(this->shared_from_this(), i);
            }
        }
        /// Nobody waits any more; late replies are dropped.
        void leave() {
            if (std::exchange(gone, true)) return;
            for (question& one : questions) {
                if (one.place) with->line.erase(*std::exchange(one.place, std::nullopt));
            }
            decisive.open();
            complete.open();
            with->left();
        }
        /// What to say when no question was answered: what tells most of the name comes first.
        [[nodiscard]] std::optional<error> worst() const noexcept {
            using enum discovery::discovery_error;
            auto const rank = [](error const& e) {
                if (e == unresolved) return no_such_name(e) ? 0 : 4; // another family may have records
                return e == bad_reply ? 1 : e == server_failed ? 2 : 3;
            };
            std::optional<error> found;
            bool open = false;
            for (question const& one : questions) {
                open = open || !one.over();
                if (one.failed && (!found || rank(*one.failed) < rank(*found))) found = one.failed;
            }
            return open && found && rank(*found) > 3 ? std::nullopt : found;
        }

        std::shared_ptr<engine> with;
        std::vector<question> questions;
        gate decisive; ///< there is an answer worth having
        gate complete;
        bool gone = false;
    };
    template <typename Outcome>
    struct lookup_for final : lookup {
        using lookup::lookup;
        [[nodiscard]] result<bool> read(byte_view reply, discovery::dns_asking& asked) override {
            return discovery::read_dns_reply(reply, asked, outcome);
        }
        Outcome outcome{};
    };

    /// The channel and the line before it, shared by all lookups.
    struct engine : std::enable_shared_from_this<engine> {
        engine(asio::any_io_executor on, cares_options with) : executor{std::move(on)}, options{std::move(with)} {
            options.max_queries = std::max<std::size_t>(options.max_queries, 1);
        }

        /// Before a lookup begins. Servers of the system are read again when they changed and nothing is under way.
        [[nodiscard]] result<void> ready() {
            bool const follow = options.servers.empty() && under_way() == 0 && line.empty();
            if (channel && !follow) return {};
            auto const now = follow ? stamp_of(options.resolv_conf.empty() ? "/etc/resolv.conf" : options.resolv_conf)
                                    : std::nullopt;
            if (channel && now == read_from) return {};
            auto opened = cares_channel::open(executor, options);
            if (!opened) return fail(opened.error());
            channel = std::move(*opened);
            read_from = now;
            return {};
        }
        void submit(std::shared_ptr<lookup> by, std::size_t index) {
            if (line.empty() && channel->under_way() < options.max_queries) return ask(std::move(by), index);
            auto& place = by->questions[index].place;
            place = line.emplace(line.end(), std::move(by), index);
        }
        void ask(std::shared_ptr<lookup> by, std::size_t index) {
            discovery::dns_asking const& asked = by->questions[index].asked;
            std::string const name = asked.name.to_string();
            channel->ask(
                name.c_str(), asked.type,
                [self = this->weak_from_this(), by, index, aliases = asked.aliases](int status, byte_view reply) {
                    by->take(index, aliases, status, reply);
                    if (auto const alive = self.lock(); alive && status != ARES_EDESTRUCTION) alive->next();
                });
        }
        /// Whoever is first in line goes ahead.
        void next() noexcept {
            while (!line.empty() && channel->under_way() < options.max_queries) {
                auto [by, index] = std::move(line.front());
                line.pop_front();
                by->questions[index].place.reset();
                try {
                    ask(by, index);
                } catch (...) {
                    by->questions[index].failed = error{discovery::discovery_error::unavailable, ENOMEM, "lookup"};
                    by->settle();
                }
            }
        }
        /// When nobody waits for anything, neither sockets nor timers stay behind.
        void left() {
            if (--lookups == 0 && under_way() != 0) channel->cancel();
        }
        [[nodiscard]] std::size_t under_way() const noexcept { return channel ? channel->under_way() : 0; }

        asio::any_io_executor executor;
        cares_options options;
        std::shared_ptr<stop_state> closing = std::make_shared<stop_state>();
        std::list<std::pair<std::shared_ptr<lookup>, std::size_t>> line;
        std::size_t lookups = 0;
        std::optional<discovery::file_stamp> read_from;
        std::shared_ptr<cares_channel> channel;
    };

    [[nodiscard]] static error why(int status) noexcept {
        using enum discovery::discovery_error;
        auto const code = static_cast<std::uint64_t>(status);
        switch (status) {
        case ARES_ENODATA: return {unresolved, code, "record"};
        case ARES_ENOTFOUND: return {unresolved, code, "name"};
        case ARES_EBADNAME: return {unresolved, code, "name"};
        case ARES_EBADRESP: return {bad_reply, code, "name server's reply"};
        case ARES_ENOMEM: return {unavailable, ENOMEM, "lookup"};
        default: return {server_failed, code, "name server"};
        }
    }

    [[nodiscard]] static bool no_such_name(error const& e) noexcept {
        return e == discovery::discovery_error::unresolved && e.position() == ARES_ENOTFOUND;
    }

    /// The name as a question asks for it: only what every server and library takes for plain text.
    [[nodiscard]] static std::optional<wire::dns_name> plain_name(std::string_view text) noexcept {
        bool const plain =
            std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f' && c != '\\'; });
        if (!plain || text == ".") return std::nullopt;
        auto const name = wire::dns_name::parse(text);
        return name ? std::optional{*name} : std::nullopt;
    }
    [[nodiscard]] static bool is_this_machine(wire::dns_name const& name) noexcept {
        std::string_view last;
        for (auto labels = name.view().labels(); labels.next(last);) {}
        return wire::same_label(last, "localhost");
    }

    [[nodiscard]] static lookup_of<discovery::resolve_name> addresses_of(std::shared_ptr<engine> self,
                                                                         std::shared_ptr<stop_state> stop,
                                                                         discovery::resolve_name request) {
        using discovery::address_families;
        discovery::resolved itself;
        if (auto const address = ip_address::parse(request.host)) {
            itself.addresses.push_back(*address);
            co_return itself;
        }
        auto const name = plain_name(request.host);
        if (!name) co_return fail(discovery::discovery_error::unresolved, ARES_EBADNAME, "host name");
        auto const wants = [&](address_families other) {
            return request.families != other && self->options.families != other;
        };
        std::vector<discovery::dns_asking> questions;
        if (wants(address_families::v6)) questions.push_back({.name = *name, .type = wire::dns_type::a});
        if (wants(address_families::v4)) questions.push_back({.name = *name, .type = wire::dns_type::aaaa});
        if (questions.empty()) co_return fail(discovery::discovery_error::unresolved, ARES_ENODATA, "families");
        if (is_this_machine(*name)) {
            for (discovery::dns_asking const& one : questions) {
                itself.addresses.push_back(one.type == wire::dns_type::a ? ip_address::v4(127, 0, 0, 1)
                                                                         : *ip_address::parse("::1"));
            }
            co_return itself;
        }
        co_return co_await look_up<discovery::resolved>(std::move(self), std::move(stop), std::move(questions),
                                                        lookup_bound(request));
    }
    template <typename Outcome>
    [[nodiscard]] static asio::awaitable<result<Outcome>> records_of(std::shared_ptr<engine> self,
                                                                     std::shared_ptr<stop_state> stop, std::string text,
                                                                     wire::dns_type type, duration bound) {
        auto const name = plain_name(text);
        if (!name) co_return fail(discovery::discovery_error::unresolved, ARES_EBADNAME, "name");
        std::vector<discovery::dns_asking> questions;
        questions.push_back({.name = *name, .type = type});
        co_return co_await look_up<Outcome>(std::move(self), std::move(stop), std::move(questions), bound);
    }

    template <typename Outcome>
    [[nodiscard]] static asio::awaitable<result<Outcome>> look_up(std::shared_ptr<engine> self,
                                                                  std::shared_ptr<stop_state> stop,
                                                                  std::vector<discovery::dns_asking> questions,
                                                                  duration bound) {
        using discovery::discovery_error;
        auto const cancelled = fail(discovery_error::unavailable, ECANCELED, "lookup");
        if (stop->stopped() || self->closing->stopped()) co_return cancelled;
        if (auto const ready = self->ready(); !ready) co_return fail(ready.error());

        auto const begun = std::chrono::steady_clock::now();
        auto const all = std::make_shared<lookup_for<Outcome>>(self, std::move(questions));
        // Whichever way this ends, even by destruction, the lookup must not stay in line.
        struct leaving {
            lookup& of;
            ~leaving() { of.leave(); }
        } const leaves{*all};
        watchdog guard{self->executor, stop, bound, [all] { all->leave(); }};
        stop_state::hook const closes{self->closing, [all] { all->leave(); }};

        for (std::size_t i = 0; i < all->questions.size(); ++i) self->submit(all, i);
        co_await all->decisive.wait();
        if (!all->gone && !all->complete.is_open()) {
            duration const left = bound - (std::chrono::steady_clock::now() - begun);
            guard.extend(std::min<duration>(left, second_family));
            // c-ares 1.18 does not notice each time that nobody listens at a server's port, and packets do get lost.
            watchdog const again{self->executor, stop, second_family / 5, [all] { all->insist(); }};
            co_await all->complete.wait();
        }

        if (guard.stopped() || self->closing->stopped()) co_return cancelled;
        bool const answered =
            std::any_of(all->questions.begin(), all->questions.end(), [](auto const& one) { return one.answered; });
        if (answered) {
            if constexpr (std::same_as<Outcome, discovery::resolved>) {
                // Not in the order in which the families happened to arrive.
                auto& found = all->outcome.addresses;
                std::stable_partition(found.begin(), found.end(),
                                      [](ip_address const& one) { return one.family() == ip_family::v4; });
            }
            co_return std::move(all->outcome);
        }
        if (auto const why_not = all->worst()) co_return fail(*why_not);
        co_return fail(lookup_timed_out(bound));
    }

    void close() noexcept {
        if (engine_) engine_->closing->stop();
    }

    std::shared_ptr<engine> engine_;
};

static_assert(check_resolver<cares_resolver>());

} // namespace net
PEERKIT_END_NAMESPACE

#endif
