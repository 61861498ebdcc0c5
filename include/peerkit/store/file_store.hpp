// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A store in two files of a directory: gossip_state.json and the one before it.
#ifndef PEERKIT_STORE_FILE_STORE_HPP
#define PEERKIT_STORE_FILE_STORE_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/store/error.hpp>
#include <peerkit/store/snapshot.hpp>
#include <peerkit/store/state_directory.hpp>
#include <peerkit/store/store.hpp>
#include <peerkit/store/stored_state.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace store {

/// Keeps the state as `gossip_state.json` in a directory, which is made for this user only if there is none. Each save
/// writes a new file, syncs it and renames it into place; the file before stays as `gossip_state.previous.json`. What
/// does not read as it was written is renamed to `*.quarantined-1` (to -4) and told in `loaded_state`.
///
/// Calls block: a save waits for the disk. Not thread-safe; may move between threads. docs/store.md has the format.
/// @code
/// store::file_store place{"/var/lib/example"};
/// auto found = place.load();
/// if (!found) return fail(found.error());              // "store: another store holds it, at 4711 (lock)"
/// found->state.incarnation += 1;
/// auto kept = place.save(found->state);
/// @endcode
class file_store {
public:
    static constexpr char const* file_name = "gossip_state.json";
    static constexpr char const* previous_name = "gossip_state.previous.json";

    /// Touches nothing yet.
    explicit file_store(std::string directory) noexcept : path_{std::move(directory)} {}

    [[nodiscard]] std::string_view name() const noexcept { return "file"; }
    [[nodiscard]] std::string const& directory() const noexcept { return path_; }

    /// @par Errors those of `state_directory::open`
    [[nodiscard]] result<void> claim() {
        if (place_) return {};
        auto opened = state_directory::open(path_);
        if (!opened) return fail(opened.error());
        place_ = std::move(*opened);
        return {};
    }

    /// The newest state that reads as it was written.
    /// @par Errors those of `claim`; `unusable`, `wrong_owner`, `not_regular` of a file; `newer_format`: nothing is
    /// touched then, so that the later version finds what it wrote
    [[nodiscard]] result<loaded_state> load() {
        if (auto const mine = claim(); !mine) return fail(mine.error());
        loaded_state found;
        std::uint32_t quarantined = 0;
        std::optional<error> damage;
        for (char const* const name : {file_name, previous_name}) {
            auto const text = place_->read(name, max_snapshot);
            if (text && !*text) continue;
            auto got = text ? decode_snapshot(**text) : result<loaded_state>{fail(text.error())};
            if (got) {
                found = std::move(*got);
                break;
            }
            error const why = got.error();
            bool const damaged = why == store_error::too_large || why == store_error::not_ours ||
                                 why == store_error::bad_checksum || why == store_error::not_json ||
                                 why == store_error::bad_field;
            if (!damaged) return fail(why);
            if (auto const aside = place_->quarantine(name); !aside) return fail(aside.error());
            ++quarantined;
            if (!damage) damage = why;
        }
        found.quarantined = quarantined;
        found.damage = damage;
        held_ = head_of(found.state);
        generation_ = found.generation;
        return found;
    }

    /// @par Errors those of `load`, if nothing was loaded before; of `check_bounds`; `incarnation_back`; `unusable`,
    /// `read_only`, `full`
    [[nodiscard]] result<void> save(stored_state const& state) {
        if (!held_) {
            if (auto const found = load(); !found) return fail(found.error());
        }
        if (auto const later = check_successor(*held_, state); !later) return later;
        auto const text = encode_snapshot(state, generation_ + 1);
        if (!text) return fail(text.error());
        if (auto const done = place_->replace(file_name, previous_name, *text); !done) return done;
        held_ = head_of(state);
        ++generation_;
        return {};
    }

private:
    std::string path_;
    std::optional<state_directory> place_;
    std::optional<stored_state> held_; // whose memory the newest file is, and its incarnation
    std::uint64_t generation_ = 0;
};

static_assert(check_store<file_store>());

} // namespace store
PEERKIT_END_NAMESPACE

#endif
