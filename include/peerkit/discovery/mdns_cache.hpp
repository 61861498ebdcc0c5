// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the local links say of the instances of one service, how long it is good, and what is missing of it.
#ifndef PEERKIT_DISCOVERY_MDNS_CACHE_HPP
#define PEERKIT_DISCOVERY_MDNS_CACHE_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/mdns_protocol.hpp>
#include <peerkit/wire/dns_message.hpp>
#include <peerkit/wire/dns_name.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// What bounds a cache. Instances and addresses come from strangers.
struct mdns_cache_limits {
    std::size_t max_instances = 1024; ///< on all links together; further ones are refused and counted
    std::size_t max_addresses = 8;    ///< of one instance on one link
    std::size_t max_text = 1300;      ///< octets of the texts of one instance; a longer TXT record is passed over
};

struct mdns_cache_counters {
    std::uint64_t answers = 0;  ///< records of our service that were taken
    std::uint64_t refused = 0;  ///< instances, addresses or texts beyond a limit
    std::uint64_t goodbyes = 0; ///< records taken back by their owner
    std::uint64_t expired = 0;  ///< instances that nobody confirmed in time
};

/// The instances of one service, each link's view of each apart. Takes the answers that a browser hears, forgets them
/// when their life is over, and says which questions are due: for what is missing of an instance, and for what is about
/// to end when 80, 85, 90 and 95 % of its life are over (RFC 6762, 5.2).
///
/// Records of other services leave nothing behind; the texts and addresses of ours do so only behind a PTR, or an SRV,
/// that leads to them.
class mdns_cache {
public:
    /// A record is believed no longer than this, so that a flood of lies ends by itself.
    static constexpr std::chrono::seconds longest_life{4500};

    mdns_cache(wire::dns_name const& service, mdns_cache_limits limits) : service_{service}, limits_{limits} {}

    /// Takes what an answer says of our service. Whether it is to be believed was decided before.
    /// @param ask_at when to ask for what is missing of an instance that is new
    void take(wire::dns_message_view const& message, mdns_origin const& origin, time_point now, time_point ask_at) {
        // An answer may stand behind what it makes meaningful: instances first, then where they are, then addresses.
        using wire::dns_type;
        ask_at_ = ask_at;
        each(message, [&](wire::dns_record const& r) {
            if (r.type == dns_type::ptr) take_pointer(r, origin, now);
        });
        each(message, [&](wire::dns_record const& r) {
            if (r.type == dns_type::srv) take_service(r, origin, now);
            if (r.type == dns_type::txt) take_text(r, origin, now);
        });
        each(message, [&](wire::dns_record const& r) {
            if (r.type == dns_type::a || r.type == dns_type::aaaa) take_address(r, origin, now);
        });
    }
    /// Forgets what has ended.
    void expire(time_point now) {
        for (auto at = found_.begin(); at != found_.end();) {
            if (has_ended(at->second, now)) {
                ++counted_.expired;
                at = found_.erase(at);
            } else {
                ++at;
            }
        }
    }
    /// Forgets what was heard on any other interface.
    void keep_only(std::vector<std::uint32_t> const& interfaces) {
        for (auto at = found_.begin(); at != found_.end();) {
            bool const stays = std::find(interfaces.begin(), interfaces.end(), at->first.first) != interfaces.end();
            at = stays ? std::next(at) : found_.erase(at);
        }
    }
    /// When something ends or a question is due.
    [[nodiscard]] time_point next_deadline() const noexcept {
        time_point first = never;
        for (auto const& [where, one] : found_) first = std::min(first, deadline(one));
        return first;
    }

    /// Calls `ask(name, type)` for each question about single instances that is due on a link, and notes it as asked.
    /// @returns true if it is time to ask for all instances, since one is about to end
    template <typename Ask>
    [[nodiscard]] bool due_questions(std::uint32_t interface, time_point now, Ask ask) {
        bool all = false;
        for (auto at = found_.lower_bound({interface, {}}); at != found_.end() && at->first.first == interface; ++at) {
            entry& one = at->second;
            all = asks_again(one.pointer, now) || all;
            bool service = asks_again(one.service, now), text = asks_again(one.texts, now), address = false;
            for (known_address& a : one.addresses) address = asks_again(a.good, now) || address;
            if (!is_complete(one) && now >= one.next_ask) {
                service = service || one.port == 0;
                text = text || one.texts.length == duration::zero();
                address = address || (one.port != 0 && one.addresses.empty());
                one.next_ask = saturating_add(now, one.ask_interval);
                one.ask_interval = std::min<duration>(one.ask_interval * 2, last_interval);
            }
            if (service || text) {
                auto const name = wire::dns_name::join(one.label, service_);
                if (name && service) ask(*name, wire::dns_type::srv);
                if (name && text) ask(*name, wire::dns_type::txt);
            }
            if (address) {
                ask(one.host, wire::dns_type::a);
                ask(one.host, wire::dns_type::aaaa);
            }
        }
        return all;
    }
    /// Calls `tell(instance, seconds)` for each instance of a link of whose life more than half is left: what an asker
    /// for all instances need not be told (RFC 6762, 7.1).
    template <typename Tell>
    void known_answers(std::uint32_t interface, time_point now, Tell tell) const {
        for (auto at = found_.lower_bound({interface, {}}); at != found_.end() && at->first.first == interface; ++at) {
            life const& pointer = at->second.pointer;
            duration const left = pointer.left(now);
            auto const name = wire::dns_name::join(at->second.label, service_);
            if (left * 2 <= pointer.length || !name) continue;
            tell(*name, static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(left).count()));
        }
    }

    /// Every instance whose port and address are known, by name; what several links say of one is put together.
    /// @param most no more than these
    [[nodiscard]] std::vector<service_instance> instances(time_point now, std::size_t most = 1024) const {
        std::map<std::string_view, service_instance> by_name;
        for (auto const& [where, one] : found_) {
            if (!one.pointer.lives(now) || !one.service.lives(now) || one.port == 0) continue;
            duration left = std::min(one.pointer.left(now), one.service.left(now));
            std::vector<ip_address> addresses;
            duration longest{};
            for (known_address const& a : one.addresses) {
                if (!a.good.lives(now)) continue;
                addresses.push_back(a.address);
                longest = std::max(longest, a.good.left(now));
            }
            if (addresses.empty()) continue;
            left = std::min(left, longest);
            if (by_name.size() == most && by_name.count(where.second) == 0) continue;
            auto const [at, fresh] = by_name.try_emplace(where.second);
            service_instance& made = at->second;
            if (fresh) {
                made = {one.label, one.host.to_string(), one.port, {}, one.text, left};
            }
            made.time_to_live = std::max(made.time_to_live, left);
            for (ip_address const& a : addresses) {
                bool const seen = std::find(made.addresses.begin(), made.addresses.end(), a) != made.addresses.end();
                if (!seen) made.addresses.push_back(a);
            }
        }
        std::vector<service_instance> all;
        all.reserve(by_name.size());
        for (auto& [name, made] : by_name) all.push_back(std::move(made));
        return all;
    }

    /// True if of every instance it is known where it is.
    [[nodiscard]] bool has_all_places() const noexcept {
        return std::all_of(found_.begin(), found_.end(),
                           [](auto const& one) { return one.second.port != 0 && !one.second.addresses.empty(); });
    }
    /// When something new was learnt last.
    [[nodiscard]] time_point changed() const noexcept { return changed_; }
    /// Instances heard of, complete or not, on all links.
    [[nodiscard]] std::size_t size() const noexcept { return found_.size(); }
    [[nodiscard]] mdns_cache_counters const& counters() const noexcept { return counted_; }

private:
    static constexpr duration first_interval = std::chrono::seconds{1};
    static constexpr duration last_interval = std::chrono::hours{1};
    static constexpr duration goodbye_delay = std::chrono::seconds{1};
    static constexpr std::array<int, 4> refresh_percent{80, 85, 90, 95};

    /// How long a record is good, and how often it was asked for again.
    struct life {
        time_point since = time_point::min();
        duration length{}; ///< zero: not known
        unsigned asked = 0;

        [[nodiscard]] time_point end() const noexcept {
            return length == duration::zero() ? time_point::min() : saturating_add(since, length);
        }
        [[nodiscard]] bool lives(time_point now) const noexcept { return now < end(); }
        [[nodiscard]] duration left(time_point now) const noexcept {
            return lives(now) ? end() - now : duration::zero();
        }
        /// When to ask for it again; `never` when nothing is left to try, or it is on its way out.
        [[nodiscard]] time_point refresh() const noexcept {
            if (length <= goodbye_delay || asked == refresh_percent.size()) return never;
            return saturating_add(since, length / 100 * refresh_percent[asked]);
        }
        /// Says that it ends soon, unless it ends sooner.
        void end_by(time_point at) noexcept {
            if (end() <= at) return;
            length = at > since ? at - since : duration{1};
            asked = refresh_percent.size();
        }
    };
    struct known_address {
        ip_address address;
        life good;
    };
    struct entry {
        std::string label; ///< as the instance writes it
        life pointer;
        life service;
        life texts;
        std::uint16_t port = 0;
        wire::dns_name host;
        std::vector<std::string> text;
        std::vector<known_address> addresses;
        time_point next_ask = never; ///< for what is missing
        duration ask_interval = first_interval;
    };
    /// Interface, and the label in lower case.
    using key = std::pair<std::uint32_t, std::string>;

    [[nodiscard]] static key key_of(std::uint32_t interface, std::string_view label) {
        std::string lower{label};
        for (char& c : lower) {
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
        }
        return {interface, std::move(lower)};
    }
    template <typename Take>
    static void each(wire::dns_message_view const& message, Take take) {
        auto records = message.records();
        for (wire::dns_record r; records.next(r);) {
            if (r.record_class() == wire::dns_class_in && r.section != wire::dns_section::authority) take(r);
        }
    }

    // ---- Answers --------------------------------------------------------------------------------------------------

    /// A record was heard: it lives from now on, or for one more second after a goodbye.
    void renew(life& one, std::uint32_t seconds, time_point now) {
        ++counted_.answers;
        if (seconds == 0) {
            ++counted_.goodbyes;
            one.end_by(saturating_add(now, goodbye_delay));
            return;
        }
        one = {now, std::min(std::chrono::seconds{seconds}, longest_life), 0};
    }
    [[nodiscard]] entry* find(wire::dns_name_view instance, std::uint32_t interface) {
        std::string_view label;
        if (!instance.is_child_of(service_, label)) return nullptr;
        auto const at = found_.find(key_of(interface, label));
        return at == found_.end() ? nullptr : &at->second;
    }

    void take_pointer(wire::dns_record const& r, mdns_origin const& origin, time_point now) {
        std::string_view label;
        auto const target = r.target();
        if (!target || !(r.name == service_) || !target->is_child_of(service_, label)) return;
        key const k = key_of(origin.interface, label);
        auto at = found_.find(k);
        if (at == found_.end()) {
            if (r.time_to_live == 0) return;
            if (found_.size() >= limits_.max_instances && !evict_incomplete()) {
                ++counted_.refused;
                return;
            }
            at = found_.try_emplace(k).first;
            at->second.label = label;
            changed_ = now;
            at->second.next_ask = ask_at_;
        }
        renew(at->second.pointer, r.time_to_live, now);
    }
    /// Makes room: names that nobody stands for go before a new one is refused.
    bool evict_incomplete() {
        auto const at =
            std::find_if(found_.begin(), found_.end(), [](auto const& one) { return one.second.port == 0; });
        if (at == found_.end()) return false;
        ++counted_.refused;
        found_.erase(at);
        return true;
    }
    void take_service(wire::dns_record const& r, mdns_origin const& origin, time_point now) {
        entry* const one = find(r.name, origin.interface);
        auto const is = r.service();
        if (one == nullptr || !is) return;
        bool const same = one->service.lives(now) && one->port == is->port && one->host == is->target;
        // A goodbye for something else than what is known says nothing.
        if (r.time_to_live == 0 && !same) return;
        if (!same) {
            if (!(one->host == is->target)) one->addresses.clear();
            changed_ = now;
            one->port = is->port;
            one->host = wire::dns_name{is->target};
            look_soon(*one, now);
        }
        renew(one->service, r.time_to_live, now);
    }
    void take_text(wire::dns_record const& r, mdns_origin const& origin, time_point now) {
        entry* const one = find(r.name, origin.interface);
        if (one == nullptr) return;
        if (r.data().size() > limits_.max_text) {
            ++counted_.refused;
            return;
        }
        if (r.time_to_live != 0) {
            one->text.clear();
            auto strings = r.strings();
            for (std::string_view text; strings.next(text);) {
                if (!text.empty() && text.front() != '=') one->text.emplace_back(text);
            }
        }
        renew(one->texts, r.time_to_live, now);
    }
    /// The address of a host: of every instance that says that it is there.
    void take_address(wire::dns_record const& r, mdns_origin const& origin, time_point now) {
        ip_address const address = r.address();
        if (!address || address.is_unspecified() || address.is_multicast()) return;
        if (address.is_loopback() && !origin.loopback) return;
        for (auto at = found_.lower_bound({origin.interface, {}});
             at != found_.end() && at->first.first == origin.interface; ++at) {
            entry& one = at->second;
            if (one.port == 0 || !(r.name == one.host)) continue;
            if (r.flushes_cache() && r.time_to_live != 0) {
                // What was not said again within a second is no longer true (RFC 6762, 10.2).
                for (known_address& other : one.addresses) {
                    bool const old = saturating_add(other.good.since, goodbye_delay) < now;
                    if (other.address.family() == address.family() && old) {
                        other.good.end_by(saturating_add(now, goodbye_delay));
                    }
                }
            }
            auto known = std::find_if(one.addresses.begin(), one.addresses.end(),
                                      [&](known_address const& a) { return a.address == address; });
            if (known == one.addresses.end()) {
                if (r.time_to_live == 0) continue;
                if (one.addresses.size() == limits_.max_addresses) {
                    ++counted_.refused;
                    continue;
                }
                changed_ = now;
                known = one.addresses.insert(known, {address, {}});
            }
            renew(known->good, r.time_to_live, now);
        }
    }

    // ---- Time -----------------------------------------------------------------------------------------------------

    /// Drops what has ended; true if nothing of the instance is left.
    [[nodiscard]] static bool has_ended(entry& one, time_point now) {
        if (!one.pointer.lives(now)) return true;
        if (one.service.length != duration::zero() && !one.service.lives(now)) {
            one.service = {};
            one.port = 0;
            one.addresses.clear();
            look_soon(one, now);
        }
        std::size_t const gone =
            std::erase_if(one.addresses, [now](known_address const& a) { return !a.good.lives(now); });
        if (gone != 0 && one.addresses.empty()) look_soon(one, now);
        if (one.texts.length != duration::zero() && !one.texts.lives(now)) {
            one.texts = {};
            one.text.clear();
            look_soon(one, now);
        }
        return false;
    }
    static void look_soon(entry& one, time_point now) {
        one.ask_interval = first_interval;
        one.next_ask = std::min(one.next_ask, saturating_add(now, std::chrono::milliseconds{100}));
    }
    [[nodiscard]] static bool is_complete(entry const& one) noexcept {
        return one.port != 0 && !one.addresses.empty() && one.texts.length != duration::zero();
    }
    [[nodiscard]] static time_point deadline(entry const& one) noexcept {
        time_point first = std::min(one.pointer.end(), one.pointer.refresh());
        if (!is_complete(one)) first = std::min(first, one.next_ask);
        for (life const* const l : {&one.service, &one.texts}) {
            if (l->length != duration::zero()) first = std::min({first, l->end(), l->refresh()});
        }
        for (known_address const& a : one.addresses) first = std::min({first, a.good.end(), a.good.refresh()});
        return first;
    }

    /// True, and noted as done, if it is time to ask again for this record. Several steps that were slept through are
    /// one.
    [[nodiscard]] static bool asks_again(life& one, time_point now) noexcept {
        if (one.length == duration::zero() || now < one.refresh() || !one.lives(now)) return false;
        while (one.refresh() <= now) ++one.asked;
        return true;
    }
    wire::dns_name service_;
    mdns_cache_limits limits_;
    std::map<key, entry> found_;
    mdns_cache_counters counted_;
    time_point ask_at_ = never;
    time_point changed_ = time_point::min();
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
