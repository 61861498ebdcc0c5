// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A list of peers that is read again in every run, and what becomes of it when it cannot be read as a whole.
#ifndef PEERKIT_DISCOVERY_ENTRY_SOURCE_HPP
#define PEERKIT_DISCOVERY_ENTRY_SOURCE_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/entry_lookup.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/peers_text.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// `entry_lookup` over text that comes anew in every run, for strategies that get it from somewhere.
///
/// - A text without a refused entry is the list from now on.
/// - A text with refused entries changes nothing once there was one without: the last good list stays. Until then the
///   entries that are good count. Notices name up to eight refused entries with line, reason and field, and say which
///   list is used.
/// - No text (it could not be read, or is no list at all): the last list stays, with a notice; without one the run
///   fails.
/// - Whichever list is used, its host names are looked up as `entry_lookup` says.
class entry_source {
public:
    entry_source(entry_lookup_options lookup, peers_text_options limits)
        : lookup_{std::move(lookup)}, limits_{limits} {}

    /// Begins with a text that was read.
    /// @param about where it comes from, for notices: a path, the name of a variable
    [[nodiscard]] step read(std::string_view text, std::string_view about) {
        auto list = parse_peers(text, limits_);
        if (!list) return keep(list.error(), std::string{about});
        if (list->refused.empty()) {
            has_list_ = whole_ = true;
            lookup_.assign(std::move(list->entries));
            return lookup_.begin();
        }
        auto told = tell(list->refused, about);
        error const first = told.front().what;
        if (whole_ || (has_list_ && list->entries.empty())) {
            told.push_back({notice::severity::warning, first, std::string{about} + ": the last good list stays"});
            return lookup_.begin(std::move(told));
        }
        if (list->entries.empty()) return step::failed(first).with(std::move(told));
        told.push_back(
            {notice::severity::warning, first, std::string{about} + ": only the entries that are good count"});
        has_list_ = true;
        lookup_.assign(std::move(list->entries));
        return lookup_.begin(std::move(told));
    }

    /// Begins without a text: `why` there is none.
    [[nodiscard]] step keep(error why, std::string about) {
        if (!has_list_) return step::failed(why).with(notice{notice::severity::warning, why, std::move(about)});
        return lookup_.begin({{notice::severity::warning, why, std::move(about.append(": the last list stays"))}});
    }

    /// Goes on with the outcome of one lookup.
    [[nodiscard]] step resume(ticket which, outcome got) { return lookup_.resume(which, std::move(got)); }

    /// True once a list was read, be it empty.
    [[nodiscard]] bool has_list() const noexcept { return has_list_; }
    /// Number of entries in use.
    [[nodiscard]] std::size_t size() const noexcept { return lookup_.size(); }

private:
    [[nodiscard]] static std::vector<notice> tell(std::vector<refused_entry> const& refused, std::string_view about) {
        constexpr std::size_t shown = 8;
        std::vector<notice> told;
        for (refused_entry const& one : refused) {
            error const what{discovery_error::bad_entry, one.index, one.why.field().data()};
            if (told.size() == shown) {
                told.push_back({notice::severity::warning, what,
                                std::string{about} + ": and " + std::to_string(refused.size() - shown) + " more"});
                break;
            }
            told.push_back({notice::severity::warning, what, std::string{about} + ": " + to_string(one)});
        }
        return told;
    }

    entry_lookup lookup_;
    peers_text_options limits_;
    bool has_list_ = false;
    bool whole_ = false; ///< the list in use was read without a refused entry
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
