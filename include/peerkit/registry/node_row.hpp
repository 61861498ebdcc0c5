// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a registry holds of one node, and what is left of one that is gone.
#ifndef PEERKIT_REGISTRY_NODE_ROW_HPP
#define PEERKIT_REGISTRY_NODE_ROW_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/core/word_hash.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/record.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Bounds of the texts of a registration, in bytes.
inline constexpr std::size_t max_domain = 253;
inline constexpr std::size_t max_registry_text = 261; ///< a host name and a port
inline constexpr std::size_t max_found_by = 63;

enum class node_status : std::uint8_t { online = 0, offline = 1 };

[[nodiscard]] constexpr std::string_view to_string(node_status status) noexcept {
    return status == node_status::online ? "online" : "offline";
}
[[nodiscard]] constexpr std::optional<node_status> parse_status(std::string_view text) noexcept {
    if (text == "online") return node_status::online;
    if (text == "offline") return node_status::offline;
    return std::nullopt;
}

/// What only a registrant and the registries know: who has it may send the node's heartbeats and take it out. All
/// zero is no lease.
struct lease_id {
    std::array<std::byte, 16> bytes{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return *this != lease_id{}; }
    /// Parses 32 hexadecimal digits. @par Errors `bad_hex`.
    [[nodiscard]] static result<lease_id> parse(std::string_view text) noexcept {
        lease_id made;
        if (auto const done = from_hex(text, made.bytes); !done) return fail(done.error());
        return made;
    }
    [[nodiscard]] std::string to_string() const { return to_hex(bytes); }
    [[nodiscard]] friend constexpr bool operator==(lease_id const&, lease_id const&) noexcept = default;
    /// Whether this is that lease, in a time that does not tell where they differ. Never true of no lease.
    [[nodiscard]] constexpr bool admits(lease_id const& given) const noexcept {
        unsigned differs = 0;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            differs |= std::to_integer<unsigned>(bytes[i] ^ given.bytes[i]);
        }
        return differs == 0 && static_cast<bool>(*this);
    }
};

/// The moment of an input: `now` decides, `unix_ms` is only written down, for people.
struct moment {
    time_point now{};
    std::int64_t unix_ms = 0; ///< milliseconds since 1970, UTC
};

/// One node as a registry holds it. What other nodes rely on is in `record`, which the node signed; the rest is what
/// the registry saw of it.
///
/// A change of anything but the three figures of its heartbeats gives the row a new `version`. The figures
/// (`last_heartbeat_ms`, `uptime_ms`, `standing`) are replicated with the next such change.
struct node_row {
    /// `standing` of a node that never missed a heartbeat.
    static constexpr std::uint16_t best_standing = 25'600;

    node_id id{};
    std::vector<std::byte> record{}; ///< a verified announcement, as received
    std::string domain{};            ///< lower case, without a final dot; may be empty
    std::string registry{};          ///< "host:port" of the registry the node says it uses; may be empty
    std::string found_by{};          ///< how the node looks for peers, as it says: "mdns+dns"
    lease_id lease{};                ///< none where the registries' token was not shown
    std::uint64_t version = 0;       ///< of the registry's state that this row came with
    std::int64_t first_seen_ms = 0;
    std::int64_t last_heartbeat_ms = 0;
    std::int64_t uptime_ms = 0;             ///< in which it was known to be online, all in all
    std::uint16_t standing = best_standing; ///< the smoothed share of heartbeats that came in time, in 1/25600
    node_status status = node_status::online;

    [[nodiscard]] wire::record_view view() const noexcept { return wire::record_view::trusted(record); }
    [[nodiscard]] std::string_view name() const noexcept { return view().name(); }
    [[nodiscard]] std::uint64_t incarnation() const noexcept { return view().incarnation(); }
    /// 0 to 100: the share of heartbeats that came in time, the latest counting most.
    [[nodiscard]] constexpr unsigned reputation() const noexcept { return (standing + 128U) / 256U; }

    /// Equal in everything, the figures included.
    [[nodiscard]] friend bool operator==(node_row const&, node_row const&) noexcept = default;

    /// A number over what is replicated, the figures of heartbeats and the lease left out. Finds copies that
    /// drifted apart; it proves nothing.
    [[nodiscard]] std::uint64_t content_hash() const noexcept {
        std::array<std::byte, 24> numbers;
        store_big(numbers.data(), version);
        store_big(numbers.data() + 8, static_cast<std::uint64_t>(first_seen_ms));
        store_big(numbers.data() + 16, static_cast<std::uint64_t>(status));
        word_hash hash{0x7265676973747279ULL};
        hash.part(numbers);
        hash.part(id.bytes);
        hash.part(as_bytes(domain));
        hash.part(as_bytes(registry));
        hash.part(as_bytes(found_by));
        hash.part(record);
        return hash.value();
    }
};

/// What is kept of a node that was taken out: for those who ask what changed, so that its name is not another's at
/// once, and so that an older announcement does not bring it back.
struct tombstone {
    node_id id{};
    std::string domain{};
    std::string name{};
    std::uint64_t incarnation = 0;
    std::uint64_t version = 0; ///< of the registry's state without the node
    std::int64_t removed_ms = 0;
    bool expired = false; ///< silent for too long, or made room; else it was taken out. Known to the root only
    [[nodiscard]] friend bool operator==(tombstone const&, tombstone const&) noexcept = default;

    /// Of a row that is taken out now; the version is the table's business.
    [[nodiscard]] static tombstone of(node_row const& row, std::int64_t unix_ms) {
        return {row.id, row.domain, std::string{row.name()}, row.incarnation(), 0, unix_ms, false};
    }
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
