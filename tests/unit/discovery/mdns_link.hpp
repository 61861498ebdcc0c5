// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A local link in virtual time, lossy if wanted, for responders and browsers of multicast DNS.
#ifndef PEERKIT_TESTS_UNIT_DISCOVERY_MDNS_LINK_HPP
#define PEERKIT_TESTS_UNIT_DISCOVERY_MDNS_LINK_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/discovery/mdns_browser.hpp>
#include <peerkit/discovery/mdns_protocol.hpp>
#include <peerkit/discovery/mdns_responder.hpp>
#include <peerkit/wire/dns_message.hpp>
#include <peerkit/wire/dns_writer.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mdns_test {

using namespace std::chrono_literals;
using namespace peerkit;
using discovery::mdns_destination;
using discovery::mdns_interface;
using discovery::mdns_origin;
using responder = discovery::mdns_responder<seeded_rng>;
using browser = discovery::mdns_browser<seeded_rng>;
using bytes = std::vector<std::byte>;

inline constexpr std::uint32_t interface_index = 7;

inline wire::dns_name name(std::string_view text) { return wire::dns_name::parse(text).value(); }
inline ip_address address_of(std::size_t host) { return ip_address::v4(10, 0, 0, static_cast<std::uint8_t>(host + 1)); }
inline mdns_origin origin_of(std::size_t host) {
    return {.interface = interface_index,
            .from = {address_of(host), discovery::mdns_port},
            .on_link = true,
            .hop_limit = 255};
}

/// One packet on the link.
struct sent {
    time_point at;
    std::size_t host; ///< that sent it
    ip_endpoint to;   ///< none: all
    bytes data;

    [[nodiscard]] wire::dns_message_view message() const { return wire::dns_message_view::parse(data).value(); }
    [[nodiscard]] bool is_response() const { return message().header().is_response(); }
    /// Records with this name and type, in all sections or in one.
    [[nodiscard]] std::size_t count(wire::dns_name const& of, wire::dns_type type) const {
        std::size_t found = 0;
        auto const m = message();
        auto records = m.records();
        for (wire::dns_record r; records.next(r);) found += r.name == of && r.type == type ? 1U : 0U;
        return found;
    }
    [[nodiscard]] bool asks(wire::dns_name const& of, wire::dns_type type) const {
        auto const m = message();
        auto questions = m.questions();
        for (wire::dns_question q; questions.next(q);) {
            if (q.name == of && q.type == type) return true;
        }
        return false;
    }
};

/// Machines on one link; every packet to the group reaches all of them, the sender too, after a millisecond.
class local_link {
public:
    explicit local_link(std::uint64_t seed = 1) : random{seed} {}

    seeded_rng random;
    std::uint32_t loss_per_million = 0;
    time_point now{};
    std::vector<sent> log;

    /// @returns the number of the host it is on
    std::size_t add(responder& what) { return add_machine(what); }
    std::size_t add(browser& what) { return add_machine(what); }
    /// It takes part no more: nothing is delivered to it.
    void remove(std::size_t host) { machines_[host] = {}; }

    /// Hands a machine's packet to the link.
    void transmit(std::size_t host, mdns_destination const& to, byte_view data) {
        log.push_back({now, host, to.to, bytes(data.begin(), data.end())});
        for (std::size_t i = 0; i < machines_.size(); ++i) {
            if (to.to && to.to.address != address_of(i)) continue;
            if (i != host && happens(random, loss_per_million)) continue;
            arriving_.push_back({now + 1ms, host, i, !to.to, bytes(data.begin(), data.end())});
        }
    }
    /// A packet of somebody who is no machine here.
    void inject(std::size_t host, byte_view data) { transmit(host, {interface_index, {}}, data); }
    auto sender(std::size_t host) {
        return [this, host](mdns_destination const& to, byte_view data) {
            CHECK(to.interface == interface_index);
            CHECK(data.size() <= discovery::mdns_send_limit);
            transmit(host, to, data);
        };
    }

    /// Runs all machines up to a moment.
    void run_until(time_point end) {
        for (int steps = 0;; ++steps) {
            REQUIRE_MESSAGE(steps < 200'000, "the machines never come to rest");
            time_point next = end;
            for (auto const& a : arriving_) next = std::min(next, a.at);
            for (machine const& m : machines_) {
                if (m.deadline) next = std::min(next, m.deadline());
            }
            if (next >= end) break;
            now = std::max(now, next);
            std::vector<arrival> due;
            auto const first = std::stable_partition(arriving_.begin(), arriving_.end(),
                                                     [this](arrival const& a) { return a.at > now; });
            due.assign(std::make_move_iterator(first), std::make_move_iterator(arriving_.end()));
            arriving_.erase(first, arriving_.end());
            for (arrival const& a : due) {
                if (!machines_[a.to].receive) continue;
                mdns_origin origin = origin_of(a.from);
                origin.multicast = a.multicast;
                machines_[a.to].receive(a.data, origin);
            }
            for (machine const& m : machines_) {
                if (m.tick && m.deadline() <= now) m.tick();
            }
        }
        now = end;
    }
    void run_for(duration time) { run_until(now + time); }

    [[nodiscard]] std::vector<sent> since(time_point from) const {
        std::vector<sent> found;
        for (sent const& s : log) {
            if (s.at >= from) found.push_back(s);
        }
        return found;
    }

private:
    struct arrival {
        time_point at;
        std::size_t from;
        std::size_t to;
        bool multicast;
        bytes data;
    };
    struct machine {
        std::function<void(byte_view, mdns_origin const&)> receive;
        std::function<void()> tick;
        std::function<time_point()> deadline;
    };

    template <typename Machine>
    std::size_t add_machine(Machine& what) {
        std::size_t const host = machines_.size();
        machines_.push_back({[this, &what, host](byte_view data, mdns_origin const& origin) {
                                 what.receive(data, origin, now, sender(host));
                             },
                             [this, &what, host] { what.tick(now, sender(host)); },
                             [&what] { return what.next_deadline(); }});
        std::vector<mdns_interface> const interfaces{{interface_index, {address_of(host)}}};
        what.set_interfaces(interfaces, now);
        return host;
    }

    std::vector<machine> machines_;
    std::vector<arrival> arriving_;
};

/// A query with one question, from nobody in particular.
struct question {
    wire::dns_name of;
    wire::dns_type type = wire::dns_type::ptr;
    bool unicast = false;
    std::uint16_t id = 0;
};
inline bytes query(
    std::vector<question> const& questions,
    std::function<void(wire::dns_writer&)> const& more = [](wire::dns_writer&) {}) {
    bytes room(discovery::mdns_send_limit);
    wire::dns_writer out{room, {questions.empty() ? std::uint16_t{0} : questions.front().id, 0}};
    for (question const& q : questions) {
        auto const bits = static_cast<std::uint16_t>(wire::dns_class_in | (q.unicast ? wire::dns_class_top_bit : 0));
        REQUIRE(out.question(q.of, q.type, bits));
    }
    more(out);
    room.resize(out.written().size());
    return room;
}
inline bytes response(std::function<void(wire::dns_writer&)> const& records) {
    bytes room(discovery::mdns_receive_limit);
    wire::dns_writer out{room, {0, wire::dns_header::response_bit | wire::dns_header::authoritative_bit}};
    records(out);
    room.resize(out.written().size());
    return room;
}

} // namespace mdns_test

#endif
