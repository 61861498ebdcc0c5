// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a recording says of values: written by the recorder's node, read from untrusted bytes by who replays it.
#ifndef PEERKIT_NODE_RECORDED_VALUES_HPP
#define PEERKIT_NODE_RECORDED_VALUES_HPP

#include <peerkit/core/address_class.hpp>
#include <peerkit/core/byte_sink.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/gossip/name_policy.hpp>
#include <peerkit/gossip/tunables.hpp>
#include <peerkit/node/discovery_schedule.hpp>
#include <peerkit/node/provenance_set.hpp>
#include <peerkit/node/remembered_peer.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// Calls `f` for every number of the engine, in the order in which a recording has them. Whoever adds one is told by
/// the compiler that it is missing here.
template <typename Tunables, typename F>
    requires std::same_as<std::remove_const_t<Tunables>, gossip::tunables>
void for_each_number(Tunables& t, F&& f) {
    auto& [probe_period, probe_retry, direct_tries, helpers_after, helpers_again, helpers, helper_retry,
           helper_patience, verdict_after, stream_fallback, suspicion_factor, suspicion_max_factor, confirmations,
           suspicion_min, looks_per_second, gossip_interval, eager_interval, fan_out, retransmit_factor, gossip_to_dead,
           exchange_period, exchange_least, contact_period, contacts, tombstone_time, stream_timeout, pause_gap,
           leave_patience, message_interval, message_keep, offer_interval, broadcasts_per_second, max_members,
           max_relays, max_suspicions, max_streams, max_message_bytes, max_origins, max_requests, max_served_requests,
           message_verifies_per_second, max_entry_bytes, entry_verifies_per_second, entry_changes_per_second,
           packets_per_source, comparison_packets, verifies_per_second] = t;
    auto const all = [&f](auto&... each) { (f(each), ...); };
    all(probe_period, probe_retry, direct_tries, helpers_after, helpers_again, helpers, helper_retry, helper_patience,
        verdict_after, stream_fallback, suspicion_factor, suspicion_max_factor, confirmations, suspicion_min,
        looks_per_second, gossip_interval, eager_interval, fan_out, retransmit_factor, gossip_to_dead, exchange_period,
        exchange_least, contact_period, contacts, tombstone_time, stream_timeout, pause_gap, leave_patience,
        message_interval, message_keep, offer_interval, broadcasts_per_second, max_members, max_relays, max_suspicions,
        max_streams, max_message_bytes, max_origins, max_requests, max_served_requests, message_verifies_per_second,
        max_entry_bytes, entry_verifies_per_second, entry_changes_per_second, packets_per_source, comparison_packets,
        verifies_per_second);
}
/// The same for the numbers of discovery.
template <typename Schedule, typename F>
    requires std::same_as<std::remove_const_t<Schedule>, discovery_schedule>
void for_each_number(Schedule& s, F&& f) {
    auto& [refresh, refresh_least, refresh_most, retry_first, retry_most, hint_gap, contact_period, contacts_per_period,
           contact_most, stagger, parallel_joins, calls_per_second, max_candidates, max_strangers, linger, find_names] =
        s;
    auto const all = [&f](auto&... each) { (f(each), ...); };
    all(refresh, refresh_least, refresh_most, retry_first, retry_most, hint_gap, contact_period, contacts_per_period,
        contact_most, stagger, parallel_joins, calls_per_second, max_candidates, max_strangers, linger, find_names);
}

/// A hundred years: arithmetic in nanoseconds has room for that.
inline constexpr duration most_time = std::chrono::hours{24 * 365 * 100};

/// Writes values as a recording has them; see docs/recorder.md.
class value_writer {
public:
    explicit value_writer(byte_sink& to) noexcept : to_{to} {}

    void number(std::uint64_t value) { to_.varint(value); }
    void period(duration value) { to_.u64(static_cast<std::uint64_t>(value.count())); }
    void byte(std::uint8_t value) { to_.u8(value); }
    void flag(bool value) { to_.u8(value ? 1 : 0); }
    void text(std::string_view value) { to_.text(value); }
    void block(byte_view value) { to_.block(value); }
    void id(node_id const& value) { to_.raw(value.bytes); }
    void network(network_id const& value) { to_.raw(value.bytes); }
    void address(ip_address const& value) {
        to_.u8(static_cast<std::uint8_t>(value.family()));
        to_.raw(value.bytes());
    }
    void place(ip_endpoint const& value) {
        address(value.address);
        to_.u16(value.port);
    }
    void what(error const& value) {
        text(value.domain());
        to_.u16(value.value());
        number(value.position());
    }
    void prefixes(std::vector<ip_prefix> const& values) {
        number(values.size());
        for (ip_prefix const& one : values) {
            address(one.address);
            to_.u8(one.length);
        }
    }
    void addresses(std::vector<ip_address> const& values) {
        number(values.size());
        for (ip_address const& one : values) address(one);
    }
    void texts(std::vector<std::string> const& values) {
        number(values.size());
        for (std::string const& one : values) text(one);
    }
    /// Milliseconds of unix time.
    void clock(std::int64_t value) { to_.u64(static_cast<std::uint64_t>(value)); }
    void peers(std::vector<remembered_peer> const& values) {
        number(values.size());
        for (auto const& [record, sources, last_endpoint, last_heard_ms] : values) {
            block(record);
            to_.u32(sources.bits());
            place(last_endpoint);
            clock(last_heard_ms);
        }
    }
    void labels(std::vector<label> const& values) {
        number(values.size());
        for (label const& one : values) {
            text(one.key);
            text(one.value);
        }
    }
    void about(description const& value) {
        auto const& [name, gossip_port, api_port, version, places, roles, capabilities, tags, services, compressed] =
            value;
        text(name);
        to_.u16(gossip_port);
        to_.u16(api_port);
        text(version);
        number(places.size());
        for (typed_address const& one : places) {
            address(one.address);
            to_.u16(one.port);
            to_.u8(static_cast<std::uint8_t>(one.kind));
        }
        texts(roles);
        texts(capabilities);
        labels(tags);
        number(services.size());
        for (service const& one : services) {
            text(one.name);
            to_.u16(one.port);
            text(one.info);
            to_.u8(static_cast<std::uint8_t>(one.health));
            to_.u32(one.version);
        }
        flag(compressed);
    }
    void candidate(discovery::candidate const& value) {
        auto const& [name, places, source, state, strategy, life, who, tags] = value;
        text(name.view());
        to_.u8(static_cast<std::uint8_t>(places.size()));
        for (ip_endpoint const& one : places) place(one);
        to_.u8(static_cast<std::uint8_t>(source));
        to_.u8(static_cast<std::uint8_t>(state));
        text(strategy.view());
        period(std::clamp(life, duration::zero(), most_time));
        id(who);
        labels(tags);
    }
    void own(discovery::own_identity const& value) {
        addresses(value.addresses);
        to_.u16(value.port);
        texts(value.host_names);
        id(value.id);
    }
    /// All numbers of `gossip::tunables` or `discovery_schedule`.
    template <typename Numbers>
    void numbers(Numbers const& value) {
        for_each_number(value, [this](auto const& one) {
            if constexpr (std::same_as<std::remove_cvref_t<decltype(one)>, duration>)
                period(one);
            else
                number(static_cast<std::uint64_t>(one));
        });
    }

private:
    byte_sink& to_;
};

/// Reads what `value_writer` wrote. The first value that cannot be one sets a sticky failure, and what is read after it
/// means nothing; ask once at the end. No list is longer than what is left to read.
class value_reader {
public:
    explicit value_reader(byte_view from) noexcept : from_{from} {}

    [[nodiscard]] explicit operator bool() const noexcept { return !failed_ && static_cast<bool>(from_); }
    [[nodiscard]] std::size_t position() const noexcept { return from_.position(); }
    [[nodiscard]] std::size_t remaining() const noexcept { return from_.remaining(); }

    /// What was read cannot be, for a reason only the caller knows.
    void refuse() noexcept { failed_ = true; }

    [[nodiscard]] std::uint64_t number() noexcept { return read_varint(from_); }
    [[nodiscard]] std::uint8_t byte() noexcept { return from_.u8(); }
    [[nodiscard]] std::uint16_t port() noexcept { return from_.u16(); }
    /// From zero to `most_time`.
    [[nodiscard]] duration period() noexcept { return time_below(most_time); }
    /// Any: whoever is given it has to look at it.
    [[nodiscard]] duration any_period() noexcept { return duration{static_cast<duration::rep>(from_.u64())}; }
    [[nodiscard]] bool flag() noexcept { return enumerator(1) == 1; }
    [[nodiscard]] std::string_view text() noexcept { return read_text(from_); }
    [[nodiscard]] byte_view block() noexcept { return read_block(from_); }
    [[nodiscard]] node_id id() noexcept { return node_id::from_bytes(from_.bytes(node_id::size)); }
    [[nodiscard]] network_id network() noexcept {
        network_id made;
        byte_view const bytes = from_.bytes(made.bytes.size());
        if (!bytes.empty()) copy_bytes(bytes, made.bytes);
        return made;
    }
    [[nodiscard]] ip_address address() noexcept {
        std::uint8_t const family = from_.u8();
        if (family != 0 && family != 4 && family != 6) failed_ = true;
        if (family == 0 || failed_) return {};
        return ip_address::from_bytes(from_.bytes(family == 4 ? 4 : 16));
    }
    [[nodiscard]] ip_endpoint place() noexcept {
        ip_address const where = address();
        return {where, from_.u16()};
    }
    [[nodiscard]] std::vector<ip_prefix> prefixes() {
        std::vector<ip_prefix> made(count());
        for (ip_prefix& one : made) {
            one.address = address();
            one.length = from_.u8();
        }
        return made;
    }
    [[nodiscard]] std::vector<ip_address> addresses() {
        std::vector<ip_address> made(count());
        for (ip_address& one : made) one = address();
        return made;
    }
    [[nodiscard]] std::vector<std::string> texts() {
        std::vector<std::string> made(count());
        for (std::string& one : made) one = text();
        return made;
    }
    /// Milliseconds of unix time, some hundred thousand years around its zero.
    [[nodiscard]] std::int64_t clock() noexcept {
        constexpr std::int64_t most = std::int64_t{1} << 53U;
        auto const value = static_cast<std::int64_t>(from_.u64());
        if (value < -most || value > most) failed_ = true;
        return failed_ ? 0 : value;
    }
    [[nodiscard]] std::vector<remembered_peer> peers() {
        std::vector<remembered_peer> made(count());
        for (remembered_peer& one : made) {
            byte_view const record = block();
            one.record.assign(record.begin(), record.end());
            one.sources = provenance_set::from_bits(from_.u32());
            one.last_endpoint = place();
            one.last_heard_ms = clock();
        }
        return made;
    }
    [[nodiscard]] std::vector<label> labels() {
        std::vector<label> made(count());
        for (label& one : made) {
            one.key = text();
            one.value = text();
        }
        return made;
    }
    [[nodiscard]] description about() {
        description made;
        made.name = text();
        made.gossip_port = port();
        made.api_port = port();
        made.version = text();
        made.addresses.resize(count());
        for (typed_address& one : made.addresses) {
            one.address = address();
            one.port = port();
            one.kind = static_cast<address_kind>(enumerator(static_cast<std::uint8_t>(address_kind::observed)));
        }
        made.roles = texts();
        made.capabilities = texts();
        made.labels = labels();
        made.services.resize(count());
        for (service& one : made.services) {
            one.name = text();
            one.port = port();
            one.info = text();
            one.health = static_cast<service_health>(enumerator(static_cast<std::uint8_t>(service_health::critical)));
            one.version = from_.u32();
        }
        made.takes_compressed = flag();
        return made;
    }
    [[nodiscard]] discovery::candidate candidate() {
        discovery::candidate made;
        made.name = made.name.cut(text());
        for (std::size_t left = byte(); left != 0 && *this; --left) {
            if (!made.addresses.push_back(place())) failed_ = true;
        }
        made.source =
            static_cast<discovery::provenance>(enumerator(static_cast<std::uint8_t>(discovery::provenance::command)));
        made.state =
            static_cast<discovery::presence>(enumerator(static_cast<std::uint8_t>(discovery::presence::offline)));
        made.strategy = made.strategy.cut(text());
        made.time_to_live = period();
        made.id = id();
        made.labels = labels();
        return made;
    }
    [[nodiscard]] discovery::own_identity own() {
        discovery::own_identity made;
        made.addresses = addresses();
        made.port = port();
        made.host_names = texts();
        made.id = id();
        return made;
    }
    /// Durations of more than a year, and counts above 2^32, are no numbers a node could have worked with.
    template <typename Numbers>
    void numbers(Numbers& into) {
        for_each_number(into, [this]<typename T>(T& one) {
            if constexpr (std::same_as<T, duration>) {
                one = time_below(std::chrono::hours{24 * 365});
            } else {
                std::uint64_t const value = number();
                if (value > (std::uint64_t{1} << 32U) || static_cast<std::uint64_t>(static_cast<T>(value)) != value)
                    failed_ = true;
                one = static_cast<T>(value);
            }
        });
    }
    /// A byte that is at most `most`.
    [[nodiscard]] std::uint8_t enumerator(std::uint8_t most) noexcept {
        std::uint8_t const value = from_.u8();
        if (value > most) failed_ = true;
        return value > most ? std::uint8_t{0} : value;
    }
    /// A list's length, at most 65536: each of its entries takes a byte at least.
    [[nodiscard]] std::size_t count() noexcept {
        std::uint64_t const size = number();
        if (size > from_.remaining() || size > 65536) failed_ = true;
        return failed_ ? 0 : static_cast<std::size_t>(size);
    }

private:
    [[nodiscard]] duration time_below(duration most) noexcept {
        std::uint64_t const value = from_.u64();
        if (value > static_cast<std::uint64_t>(most.count())) failed_ = true;
        return duration{failed_ ? 0 : static_cast<duration::rep>(value)};
    }

    byte_reader from_;
    bool failed_ = false;
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
