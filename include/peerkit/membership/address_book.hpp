// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Which of its announced addresses each member is reached at: the rules; what they decide is held in the member's row.
#ifndef PEERKIT_MEMBERSHIP_ADDRESS_BOOK_HPP
#define PEERKIT_MEMBERSHIP_ADDRESS_BOOK_HPP

#include <peerkit/core/address_class.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/membership/member_table.hpp>
#include <peerkit/wire/record.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace membership {

/// How an endpoint relates to what a member announces.
enum class announced_as : std::uint8_t {
    nothing,  ///< not announced
    address,  ///< the address is, with another port
    observed, ///< announced as seen by others
    endpoint, ///< announced
};

/// The announced address that fits an endpoint best.
struct announced_address {
    announced_as as = announced_as::nothing;
    std::uint8_t index = 0; ///< of an announced endpoint, observed or not
};

[[nodiscard]] inline announced_address announcement_of(wire::record_view const& record,
                                                       ip_endpoint const& where) noexcept {
    announced_address found;
    std::uint8_t index = 0;
    for (typed_address const& a : record.addresses()) {
        if (a.address == where.address) {
            bool const same = (a.port != 0 ? a.port : record.gossip_port()) == where.port;
            if (same && a.kind != address_kind::observed) return {announced_as::endpoint, index};
            if (same)
                found = {announced_as::observed, index};
            else if (found.as == announced_as::nothing)
                found.as = announced_as::address;
        }
        ++index;
    }
    return found;
}

/// Every member has one address in use, for everything that is sent to it. At first that is the one `dial_rank` puts
/// first. An address is proven when the member is heard at it; it stays in use until a probe is answered at another one
/// only. Rows of members with one address never change and cost nothing. Not thread safe.
class address_book {
public:
    /// Own subnets beyond this many are not looked at.
    static constexpr std::size_t max_subnets = 64;

    /// The endpoints to try for one member, in order. None beyond `limits::addresses`.
    struct endpoints {
        std::array<ip_endpoint, limits::addresses> where{};
        std::uint8_t size = 0;
    };

    /// @param own this host's subnets; without any, addresses are tried in the order in which they are announced
    explicit address_book(std::vector<ip_prefix> own = {}) { set_own(std::move(own)); }

    [[nodiscard]] std::span<ip_prefix const> own() const noexcept { return own_; }
    /// This host is on one of its own subnets under that address.
    [[nodiscard]] bool is_own(ip_address const& address) const noexcept {
        for (ip_prefix const& subnet : own_) {
            if (subnet.address == address) return true;
        }
        return false;
    }

    /// This host's own row: the address it prefers itself.
    void prefer_first(member& row) const noexcept { row.address = row.proven = row.look = 0; }
    /// Decides for a member whose record is new.
    void learn(member& row) const noexcept {
        if (!row.several) return;
        dial_order const order = ordered(row);
        if (!row.proven)
            row.address = order.index[0] & 7U;
        else if (rank_of(order, row.address) > order.rank[0])
            row.look = 1;
    }
    /// This host has other addresses now: members whose address in use has become worse get another one at once, where
    /// there is a better one it is tried with the next probe.
    void move(member_table& table, std::vector<ip_prefix> own) {
        std::vector<ip_prefix> const before = std::exchange(own_, {});
        set_own(std::move(own));
        for (slot at = 0; at < table.end(); ++at) {
            member& row = table[at];
            if (!row.used || !row.several) continue;
            auto const was = rank_of(order_for_dialling(row.record().addresses(), before), row.address);
            dial_order const order = ordered(row);
            if (rank_of(order, row.address) > was) row.proven = 0;
            learn(row);
        }
    }
    /// An authenticated datagram of this member came from one of the endpoints it announces.
    void heard(member& row, announced_address const& from) const noexcept {
        if (!row.several || from.as < announced_as::observed) return;
        if (from.index == row.address) {
            row.proven = 1;
            return;
        }
        dial_order const order = ordered(row);
        if (rank_of(order, from.index) >= rank_of(order, row.address)) return;
        // It gets through from there; whether anything gets through to there, a probe will show.
        if (row.proven)
            row.look = 1;
        else
            use(row, from.index);
    }
    /// What was sent to `where` was answered by the member itself.
    void answered(member& row, ip_endpoint const& where) const noexcept {
        if (!row.several) return;
        if (auto const at = row.record().index_of(where)) use(row, *at);
    }
    /// Nothing that was sent to any address was answered.
    void silent(member& row) const noexcept {
        row.proven = 0;
        learn(row);
    }
    /// The next address in the order of the record, for a member that is at none of them now.
    void rotate(member& row) const noexcept {
        if (!row.several) return;
        row.address = static_cast<std::uint16_t>((row.address + 1U) % row.record().address_count() & 7U);
        row.proven = 0;
    }

    /// Whether the next probe had better begin with another address than the one in use. Asking resets it.
    [[nodiscard]] bool wants_look(member& row) const noexcept {
        bool const wanted = row.look != 0;
        row.look = 0;
        return wanted;
    }
    /// The endpoints to try, the one in use first; or, with `look`, the one of the best rank, then the one in use.
    [[nodiscard]] endpoints to_try(member const& row, bool look = false) const noexcept {
        endpoints made;
        auto const add = [&](std::size_t index) {
            if (index < limits::addresses) made.where[made.size++] = row.record().gossip_endpoint(index);
        };
        if (!row.several) {
            add(0);
            return made;
        }
        dial_order const order = ordered(row);
        std::size_t const first = look ? order.index[0] : row.address;
        add(first);
        if (first != row.address) add(row.address);
        for (std::size_t i = 0; i < order.size; ++i) {
            if (order.index[i] != first && order.index[i] != row.address) add(order.index[i]);
        }
        return made;
    }

private:
    void set_own(std::vector<ip_prefix> own) {
        if (own.size() > max_subnets) own.resize(max_subnets);
        own_ = std::move(own);
    }
    [[nodiscard]] dial_order ordered(member const& row) const noexcept {
        return order_for_dialling(row.record().addresses(), own_);
    }
    [[nodiscard]] static std::uint8_t rank_of(dial_order const& order, std::size_t index) noexcept {
        for (std::size_t i = 0; i < order.size; ++i) {
            if (order.index[i] == index) return order.rank[i];
        }
        return 255;
    }
    static void use(member& row, std::size_t index) noexcept {
        row.address = static_cast<std::uint16_t>(index & 7U);
        row.proven = 1;
    }

    std::vector<ip_prefix> own_;
};

} // namespace membership
PEERKIT_END_NAMESPACE

#endif
