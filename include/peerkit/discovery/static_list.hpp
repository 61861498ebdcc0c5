// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Peers the user wrote down: addresses and host names, with or without a port and labels.
#ifndef PEERKIT_DISCOVERY_STATIC_LIST_HPP
#define PEERKIT_DISCOVERY_STATIC_LIST_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/entry_lookup.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/peers_text.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Options of `static_list`.
struct static_list_options {
    std::uint16_t default_port = default_gossip_port;   ///< for entries without a port
    own_identity self{};                                ///< what to leave out
    duration resolve_timeout = std::chrono::seconds{5}; ///< for one host name
    std::size_t max_entries = 1024;
};

/// The strategy behind a list of peers, written as `parse_peers` reads it: addresses and host names, with port and
/// labels where wanted.
///
/// Addresses are candidates at once; host names are looked up, all at the same time, in every run, so that a changed
/// record is seen. A name that does not resolve is told to the host and hides nobody: its addresses of an earlier run
/// are used where there are any. A name with one address per family is one candidate; a name with several addresses
/// of one family stands for several nodes, and each address becomes a candidate. This node is left out. Loopback
/// addresses are taken as they are written. A run fails only if names are all there is and none resolves.
///
/// @code
/// auto seeds = discovery::static_list::parse("db1.example.org zone=a, 192.0.2.7:9100 [2001:db8::7]:9000");
/// if (!seeds) return fail(seeds.error());                    // "an entry of the list is not an endpoint, at 1 (...)"
/// @endcode
class static_list {
public:
    /// From one text. A list that is written by hand is all good or refused.
    /// @param refused if given, filled with every entry that was refused, not only the first.
    /// @par Errors `bad_entry` with the index of the first refused entry and the field that was wrong; else those of
    /// `parse_peers`.
    [[nodiscard]] static result<static_list> parse(std::string_view text, static_list_options options = {},
                                                   std::vector<refused_entry>* refused = nullptr) {
        if (refused != nullptr) refused->clear();
        auto list = parse_peers(text, limits_of(options));
        if (!list) return fail(list.error());
        return build(std::move(*list), std::move(options), refused);
    }
    /// From a list of texts, each exactly one entry. Otherwise like `parse`.
    [[nodiscard]] static result<static_list> from(std::vector<std::string> const& texts,
                                                  static_list_options options = {},
                                                  std::vector<refused_entry>* refused = nullptr) {
        if (refused != nullptr) refused->clear();
        if (texts.size() > options.max_entries) return fail(discovery_error::too_large, texts.size(), "entries");
        parsed_peers all;
        for (std::size_t i = 0; i < texts.size(); ++i) {
            auto one = parse_peers(texts[i], limits_of(options));
            if (one && one->size() == 1 && one->refused.empty()) {
                all.entries.push_back(std::move(one->entries.front()));
                continue;
            }
            if (!one && one.error() == discovery_error::bad_option) return fail(one.error());
            error why{core_error::bad_character, 0, "more than one entry"};
            if (!one)
                why = one.error();
            else if (one->size() == 0)
                why = error{core_error::empty, 0, "entry"};
            else if (!one->refused.empty())
                why = one->refused.front().why;
            all.refused.push_back({i, 0, texts[i].substr(0, 128), why});
        }
        return build(std::move(all), std::move(options), refused);
    }

    [[nodiscard]] std::string_view name() const noexcept { return "static"; }
    [[nodiscard]] step begin(time_point) { return lookup_.begin(); }
    [[nodiscard]] step resume(ticket which, outcome got, time_point) { return lookup_.resume(which, std::move(got)); }

    /// Number of entries, this node included.
    [[nodiscard]] std::size_t size() const noexcept { return lookup_.size(); }

private:
    explicit static_list(static_list_options&& options)
        : lookup_{{.self = std::move(options.self),
                   .resolve_timeout = options.resolve_timeout,
                   .source = provenance::static_list,
                   .strategy = "static"}} {}

    [[nodiscard]] static peers_text_options limits_of(static_list_options const& options) noexcept {
        return {.default_port = options.default_port, .max_entries = options.max_entries};
    }
    [[nodiscard]] static result<static_list> build(parsed_peers list, static_list_options options,
                                                   std::vector<refused_entry>* refused) {
        if (!list.refused.empty()) {
            refused_entry const& first = list.refused.front();
            error const why{discovery_error::bad_entry, first.index, first.why.field().data()};
            if (refused != nullptr) *refused = std::move(list.refused);
            return fail(why);
        }
        static_list made{std::move(options)};
        made.lookup_.assign(std::move(list.entries));
        return made;
    }

    entry_lookup lookup_;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
