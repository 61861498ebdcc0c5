// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Peers the user wrote down: addresses and host names, with or without a port.
#ifndef PEERKIT_DISCOVERY_STATIC_LIST_HPP
#define PEERKIT_DISCOVERY_STATIC_LIST_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// An entry of a list that is not an endpoint.
struct refused_entry {
    std::size_t index;  ///< among the entries, from 0
    std::size_t offset; ///< of the entry in the text; 0 where the list was not one text
    std::string text;
    error why; ///< position: offset inside the entry
};

/// Options of `static_list`.
struct static_list_options {
    std::uint16_t default_port = default_gossip_port; ///< for entries without a port
    own_identity self;                                ///< what to leave out
    duration resolve_timeout = std::chrono::seconds{5};
    std::size_t max_entries = 1024;
};

/// The strategy behind a list of `host`, `host:port`, IPv4 and IPv6 addresses, `[v6]` and `[v6]:port`.
///
/// Addresses are candidates at once; host names are looked up, all at the same time, in every run, so that a changed
/// record is seen. A name that does not resolve is told to the host and hides nobody: its addresses of an earlier run
/// are used where there are any. A name with one address per family is one candidate; a name with several addresses
/// of one family stands for several nodes, and each address becomes a candidate. This node is left out. Loopback
/// addresses are taken as they are written. A run fails only if names are all there is and none resolves.
///
/// @code
/// auto seeds = discovery::static_list::parse("db1.example.org, 192.0.2.7:9100 [2001:db8::7]:9000");
/// if (!seeds) return fail(seeds.error());                    // "an entry of the list is not an endpoint, at 1 (...)"
/// @endcode
class static_list {
public:
    /// From text: entries between commas, blanks and line ends.
    /// @param refused if given, filled with every entry that was refused, not only the first.
    /// @par Errors `bad_entry` with the index of the first refused entry and the field that was wrong; `too_large` with
    /// the number of entries; `bad_option` for a default port of 0.
    [[nodiscard]] static result<static_list> parse(std::string_view text, static_list_options options = {},
                                                   std::vector<refused_entry>* refused = nullptr) {
        constexpr std::string_view separators = ", \t\r\n";
        std::vector<std::string_view> entries;
        std::vector<std::size_t> offsets;
        std::size_t at = text.find_first_not_of(separators);
        while (at != std::string_view::npos) {
            std::size_t const end = std::min(text.find_first_of(separators, at), text.size());
            entries.push_back(text.substr(at, end - at));
            offsets.push_back(at);
            at = text.find_first_not_of(separators, end);
        }
        return build(entries, offsets, std::move(options), refused);
    }
    /// From a list of entries, each exactly one endpoint. Otherwise like `parse`.
    [[nodiscard]] static result<static_list> from(std::vector<std::string> const& list,
                                                  static_list_options options = {},
                                                  std::vector<refused_entry>* refused = nullptr) {
        std::vector<std::string_view> const entries{list.begin(), list.end()};
        return build(entries, {}, std::move(options), refused);
    }

    [[nodiscard]] std::string_view name() const noexcept { return "static"; }

    [[nodiscard]] step begin(time_point) {
        std::vector<effect> lookups;
        for (entry& e : entries_) {
            e.asked = e.there.is_host_name() && !options_.self.is_me(e.there.host_name(), e.there.port());
            if (e.asked) lookups.push_back(resolve_name{std::string{e.there.host_name()}, options_.resolve_timeout});
        }
        return lookups.empty() ? finish({}) : step::ask(std::move(lookups));
    }

    [[nodiscard]] step resume(std::span<outcome> outcomes, time_point) {
        auto const asked = std::count_if(entries_.begin(), entries_.end(), [](entry const& e) { return e.asked; });
        if (static_cast<std::size_t>(asked) != outcomes.size()) return step::failed(discovery_error::unexpected_answer);
        std::vector<notice> told;
        std::size_t next = 0;
        for (entry& e : entries_) {
            if (!e.asked) continue;
            outcome& got = outcomes[next++];
            e.why.reset();
            if (auto* answer = std::get_if<resolved>(&got)) {
                std::erase_if(answer->addresses, [](ip_address const& a) { return !is_unicast(a); });
                if (!answer->addresses.empty()) {
                    e.addresses = std::move(answer->addresses);
                    continue;
                }
                e.why = error{discovery_error::unresolved, 0, "no unicast address"};
            } else {
                e.why = why_not(got);
            }
            std::string text = e.there.to_string();
            if (!e.addresses.empty()) text.append(", using the addresses of an earlier run");
            told.push_back({notice::severity::warning, *e.why, std::move(text)});
        }
        return finish(std::move(told));
    }

    /// Number of entries, this node included.
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    struct entry {
        endpoint there;
        std::vector<ip_address> addresses; ///< of a host name, as last resolved
        std::optional<error> why;          ///< it did not resolve this time
        bool asked = false;                ///< in this run
    };

    explicit static_list(static_list_options options) : options_{std::move(options)} {}

    [[nodiscard]] static result<static_list> build(std::span<std::string_view const> texts,
                                                   std::span<std::size_t const> offsets, static_list_options options,
                                                   std::vector<refused_entry>* refused) {
        if (refused != nullptr) refused->clear();
        if (options.default_port == 0) return fail(discovery_error::bad_option, 0, "default port");
        if (texts.size() > options.max_entries) return fail(discovery_error::too_large, texts.size(), "entries");
        static_list made{std::move(options)};
        std::optional<error> first;
        for (std::size_t i = 0; i < texts.size(); ++i) {
            auto there = endpoint::parse(texts[i], made.options_.default_port);
            if (there && !there->is_host_name() && !is_unicast(there->address())) {
                there = fail(core_error::bad_address, 0, "not a unicast address");
            }
            if (there) {
                bool const known = std::any_of(made.entries_.begin(), made.entries_.end(),
                                               [&there](entry const& e) { return e.there == *there; });
                if (!known) made.entries_.push_back({*there, {}, std::nullopt, false});
                continue;
            }
            if (!first) first = error{discovery_error::bad_entry, i, there.error().field().data()};
            if (refused != nullptr) {
                refused->push_back({i, offsets.empty() ? 0 : offsets[i], std::string{texts[i]}, there.error()});
            }
        }
        if (first) return fail(*first);
        return made;
    }

    [[nodiscard]] step finish(std::vector<notice> told) const {
        std::vector<candidate> found;
        std::optional<error> why;
        for (entry const& e : entries_) {
            if (e.asked && e.addresses.empty()) {
                why = e.why;
                continue;
            }
            if (!e.there.is_host_name()) {
                add(found, e, {&e.there.address(), 1});
            } else if (e.asked) {
                add_resolved(found, e);
            }
        }
        drop_self(found, options_.self);
        if (found.empty() && why) return step::failed(*why).with(std::move(told));
        return step::found(std::move(found)).with(std::move(told));
    }
    void add_resolved(std::vector<candidate>& found, entry const& e) const {
        auto const v4 = std::count_if(e.addresses.begin(), e.addresses.end(),
                                      [](ip_address const& a) { return a.family() == ip_family::v4; });
        auto const all = static_cast<std::ptrdiff_t>(e.addresses.size());
        if (v4 <= 1 && all - v4 <= 1) return add(found, e, e.addresses);
        for (ip_address const& a : e.addresses) add(found, e, {&a, 1});
    }
    void add(std::vector<candidate>& found, entry const& e, std::span<ip_address const> addresses) const {
        candidate c;
        std::string const text = e.there.to_string();
        c.name = c.name.cut(e.there.is_host_name() ? e.there.host_name() : std::string_view{text});
        c.source = provenance::static_list;
        c.strategy = c.strategy.cut(name());
        for (ip_address const& a : addresses) static_cast<void>(c.addresses.push_back({a, e.there.port()}));
        found.push_back(std::move(c));
    }

    static_list_options options_;
    std::vector<entry> entries_;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
