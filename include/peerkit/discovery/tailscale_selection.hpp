// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Decides which nodes of a tailnet become candidates, whatever read them.
#ifndef PEERKIT_DISCOVERY_TAILSCALE_SELECTION_HPP
#define PEERKIT_DISCOVERY_TAILSCALE_SELECTION_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/bounded_list.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/rfc3339.hpp>
#include <peerkit/discovery/tailscale_types.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// What of a node's description is looked at: Self or a peer. The texts belong to whoever read them.
struct tailscale_node {
    using text_list = bounded_list<std::string_view, 4 * limits::addresses>;

    std::string_view id;
    std::string_view dns_name; ///< without the final dot
    std::string_view host_name;
    std::string_view os;
    std::string_view key_expiry;
    std::string_view old_address; ///< of versions that knew only one
    text_list addresses;
    text_list host_routes; ///< routes of single hosts: addresses of a node that has no others
    std::int64_t sharer = 0;
    bool online = false, online_known = false, sharee = false, expired = false;
    bool tagged = false;  ///< with the required tag
    bool mullvad = false; ///< with the tag of Mullvad's exit nodes
    std::optional<error> malformed;

    /// The name that patterns are about: the first label of the DNS name, or the host name of a node without one.
    [[nodiscard]] std::string_view label() const noexcept {
        return dns_name.empty() ? host_name : dns_name.substr(0, dns_name.find('.'));
    }
    /// Forgets the node. One object serves all, for zeroing the lists costs more than reading them.
    void clear() noexcept {
        id = dns_name = host_name = os = key_expiry = old_address = {};
        addresses.clear();
        host_routes.clear();
        sharer = 0;
        online = online_known = sharee = expired = tagged = mullvad = false;
        malformed.reset();
    }
    /// Second 123 of 1970 is how the daemon says that a node logged out.
    [[nodiscard]] bool logged_out() const noexcept {
        return key_expiry.starts_with("1970-") && parse_rfc3339(key_expiry) == 123;
    }
    /// Calls `use(address)` for every address of `family` that can belong to another machine, in the order written.
    template <typename Use>
    void for_each_address(ip_family family, Use use) const noexcept {
        auto const take = [family, &use](std::string_view text) {
            // Parsing what is not wanted now costs more: an IPv6 address has its first colon within five characters.
            bool v6 = false;
            for (std::size_t i = 0; i < text.size() && i < 5; ++i) v6 = v6 || text[i] == ':';
            if (v6 != (family == ip_family::v6)) return;
            if (ip_address const address = host_address(text); is_remote(address)) use(address);
        };
        if (addresses.empty() && !old_address.empty()) return take(old_address);
        for (std::string_view const text : addresses.empty() ? host_routes : addresses) take(text);
    }

private:
    /// An address, or a prefix of one host; none for anything else.
    [[nodiscard]] static ip_address host_address(std::string_view text) noexcept {
        if (auto const address = ip_address::parse(text)) return *address;
        std::size_t const slash = text.find('/');
        if (slash == std::string_view::npos) return {};
        auto const address = ip_address::parse(text.substr(0, slash));
        if (!address) return {};
        return text.substr(slash) == (address->family() == ip_family::v4 ? "/32" : "/128") ? *address : ip_address{};
    }
};

/// Fills a `tailscale_status` from the nodes of one document: `start`, `take_self`, `take_peer` for each, `finish`.
/// Keeps its tables between documents.
class tailscale_selection {
public:
    /// Begins a list of peers; what was taken of an earlier one is forgotten. Self and the suffix are known, if ever.
    void start(tailscale_filter const& filter, tailscale_status& out) {
        filter_ = &filter;
        out_ = &out;
        out.candidates.clear();
        out.peers = 0;
        out.dropped.fill(0);
        out.first_malformed.reset();
        ids_.clear();
        somebody_online_ = false;
        own_domain_ = out.dns_suffix;
        if (own_domain_.empty() && out.self) {
            std::size_t const dot = out.self->dns_name.find('.');
            if (dot != std::string::npos) own_domain_ = std::string_view{out.self->dns_name}.substr(dot + 1);
        }
    }

    static void take_self(tailscale_node const& node, tailscale_self& self) {
        self.id = node.id;
        assign_lower(node.dns_name, self.dns_name);
        self.host_name = node.host_name;
        for (ip_family const family : {ip_family::v4, ip_family::v6}) {
            node.for_each_address(family,
                                  [&self](ip_address const& a) { static_cast<void>(self.addresses.push_back(a)); });
        }
        self.key_expiry = parse_rfc3339(node.key_expiry);
        self.expired = node.expired || node.logged_out();
    }

    /// Whether a peer of this DNS name can be a candidate; asked as soon as the name is known.
    [[nodiscard]] bool wants(std::string_view dns_name) const noexcept { return filter_->names.matches_host(dns_name); }

    /// Takes a peer as a candidate, or counts why not. The texts of `node` must stay until `finish`.
    void take_peer(tailscale_node const& node) {
        ++out_->peers;
        if (auto const why = judge(node)) drop(*why);
        if (node.malformed && !out_->first_malformed) out_->first_malformed = node.malformed;
    }
    /// Counts a peer whose name was not wanted.
    void pass_over() noexcept {
        ++out_->peers;
        drop(peer_drop::name);
    }

    /// Ends the list: one candidate for each machine, those called offline last or out.
    void finish() {
        keep_distinct();
        order_by_presence();
    }

    static void assign_lower(std::string_view from, std::string& into) {
        into = from;
        for (char& c : into) c = lower(c);
    }

private:
    void drop(peer_drop why) noexcept { ++out_->dropped[static_cast<std::size_t>(why)]; }

    [[nodiscard]] static constexpr char lower(char c) noexcept {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    }
    /// True if `name` is inside `domain`, which is in lower case.
    [[nodiscard]] static bool is_inside(std::string_view name, std::string_view domain) noexcept {
        if (name.size() <= domain.size() || name[name.size() - domain.size() - 1] != '.') return false;
        std::string_view const end = name.substr(name.size() - domain.size());
        return end == domain ||
               std::equal(end.begin(), end.end(), domain.begin(), [](char a, char b) { return lower(a) == b; });
    }
    /// By stable id, or by an address.
    [[nodiscard]] bool is_self(std::string_view id, candidate const& c) const noexcept {
        if (!out_->self) return false;
        if (!id.empty() && id == out_->self->id) return true;
        return std::any_of(c.addresses.begin(), c.addresses.end(),
                           [this](ip_endpoint const& there) { return out_->self->addresses.contains(there.address); });
    }

    [[nodiscard]] std::optional<peer_drop> judge(tailscale_node const& peer) {
        if (peer.malformed) return peer_drop::malformed;
        std::string_view const label = peer.label();
        if (!filter_->names.matches(label)) return peer_drop::name;
        if (peer.sharee) return peer_drop::sharee;
        if (peer.os == "js") return peer_drop::console;
        if (peer.mullvad || is_inside(peer.dns_name, "mullvad.ts.net")) return peer_drop::exit_node;
        if (!filter_->required_tag.empty() && !peer.tagged) return peer_drop::tag;
        bool const foreign = !own_domain_.empty() && !peer.dns_name.empty() && !is_inside(peer.dns_name, own_domain_);
        if (!filter_->include_shared && (peer.sharer != 0 || foreign)) return peer_drop::shared;
        if (!filter_->include_expired && (peer.expired || peer.logged_out())) return peer_drop::expired;

        // Once somebody is online, nobody offline is needed.
        presence const state = !peer.online_known ? presence::unknown
                               : peer.online      ? presence::online
                                                  : presence::offline;
        if (state == presence::offline && (filter_->offline == offline_peers::exclude ||
                                           (filter_->offline == offline_peers::fallback && somebody_online_))) {
            return peer_drop::offline;
        }
        if (out_->candidates.size() >= filter_->max_candidates) return peer_drop::over_limit;

        candidate& c = out_->candidates.emplace_back();
        auto const add = [this, &peer, &c](ip_family family) {
            peer.for_each_address(family, [this, &c](ip_address const& a) {
                ip_endpoint const there{a, filter_->port};
                if (!c.addresses.contains(there)) static_cast<void>(c.addresses.push_back(there));
            });
        };
        address_preference const wanted = filter_->family;
        bool const v6_leads = wanted == address_preference::v6_first || wanted == address_preference::v6_only;
        bool const both = wanted == address_preference::v4_first || wanted == address_preference::v6_first;
        add(v6_leads ? ip_family::v6 : ip_family::v4);
        if (both) add(v6_leads ? ip_family::v4 : ip_family::v6);
        if (c.addresses.empty() || is_self(peer.id, c)) {
            peer_drop const why = c.addresses.empty() ? peer_drop::no_address : peer_drop::self;
            out_->candidates.pop_back();
            return why;
        }
        c.name = c.name.cut(label);
        c.source = provenance::tailscale;
        c.state = state;
        somebody_online_ = somebody_online_ || state != presence::offline;
        ids_.push_back(peer.id);
        return std::nullopt;
    }

    /// Takes out machines that are listed twice: by stable id, then by address. Of two, the one not called offline
    /// stays.
    void keep_distinct() {
        std::vector<candidate>& list = out_->candidates;
        std::size_t keys = list.size(), slots = 16;
        for (candidate const& c : list) keys += c.addresses.size();
        while (slots < 2 * keys) slots *= 2;
        slots_.assign(slots, 0);
        // A set of indexes + 1 into `list`, probed linearly; `same` decides.
        auto const find = [this](std::uint64_t hash, auto same) -> std::uint32_t* {
            std::size_t at = static_cast<std::size_t>(hash) & (slots_.size() - 1);
            while (slots_[at] != 0 && !same(slots_[at] - 1)) at = (at + 1) & (slots_.size() - 1);
            return &slots_[at];
        };
        auto const slot_of_id = [&](std::string_view id) -> std::uint32_t* {
            return find(hash(id), [&](std::size_t i) { return ids_[i] == id; });
        };
        auto const slot_of_address = [&](ip_endpoint const& there) -> std::uint32_t* {
            return find(hash(as_text(there.address.bytes())),
                        [&](std::size_t i) { return list[i].addresses.contains(there); });
        };

        std::size_t kept = 0;
        for (std::size_t i = 0; i < list.size(); ++i) {
            bounded_list<std::uint32_t*, limits::addresses + 1> mine;
            std::uint32_t before = 0;
            auto const look_at = [&](std::uint32_t* slot) {
                if (before == 0) before = *slot;
                static_cast<void>(mine.push_back(slot));
            };
            if (!ids_[i].empty()) look_at(slot_of_id(ids_[i]));
            for (ip_endpoint const& there : list[i].addresses) look_at(slot_of_address(there));

            std::size_t const place = before != 0 ? before - 1 : kept++;
            if (before != 0) {
                drop(peer_drop::duplicate);
                if (list[place].state != presence::offline || list[i].state == presence::offline) continue;
                // Addresses that a third one has already stay with that one.
                list[i].addresses.remove_if([&](ip_endpoint const& there) {
                    std::uint32_t const owner = *slot_of_address(there);
                    return owner != 0 && owner != before;
                });
                if (list[i].addresses.empty()) continue;
            }
            if (place != i) {
                list[place] = std::move(list[i]);
                ids_[place] = ids_[i];
            }
            for (std::uint32_t* const slot : mine) {
                if (*slot == 0) *slot = static_cast<std::uint32_t>(place + 1);
            }
        }
        list.resize(kept);
    }
    /// Multiplies eight bytes at a time into each other. Whoever chooses ids and addresses that collide is the control
    /// server of this tailnet, and slows down its own list.
    [[nodiscard]] static std::uint64_t hash(std::string_view bytes) noexcept {
        std::uint64_t mixed = bytes.size();
        auto const mix = [&mixed](std::uint64_t word) {
            mixed = (mixed ^ word) * 0x9e3779b97f4a7c15U;
            mixed ^= mixed >> 32U;
        };
        std::uint64_t word = 0;
        std::size_t at = 0;
        for (; at + 8 <= bytes.size(); at += 8) {
            std::memcpy(&word, bytes.data() + at, 8);
            mix(word);
        }
        for (word = 0; at < bytes.size(); ++at) word = word << 8U | static_cast<unsigned char>(bytes[at]);
        mix(word);
        return mixed;
    }

    void order_by_presence() {
        std::vector<candidate>& list = out_->candidates;
        auto const offline = [](candidate const& c) { return c.state == presence::offline; };
        auto const away = static_cast<std::size_t>(std::count_if(list.begin(), list.end(), offline));
        if (away == 0 || away == list.size()) return;
        if (filter_->offline == offline_peers::include) {
            std::stable_partition(list.begin(), list.end(), [&](candidate const& c) { return !offline(c); });
        } else {
            out_->dropped[static_cast<std::size_t>(peer_drop::offline)] += static_cast<std::uint32_t>(away);
            std::erase_if(list, offline);
        }
    }

    tailscale_filter const* filter_ = nullptr;
    tailscale_status* out_ = nullptr;
    std::string_view own_domain_;
    bool somebody_online_ = false;      ///< among the candidates
    std::vector<std::string_view> ids_; ///< of the candidates, in step with them
    std::vector<std::uint32_t> slots_;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
