// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The database, opened and restored.
#include "storage.hpp"

#ifdef PEERKIT_REGISTRY_HAS_SQLITE
#    include <peerkit/store/registry_database.hpp>
#    include <peerkit/store/registry_snapshot.hpp>
#endif

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace registry_program {

using namespace peerkit;

stored open_storage(settings const& s) {
#ifdef PEERKIT_REGISTRY_HAS_SQLITE
    auto const refuse = [](std::string const& flag, error const& why) {
        throw refusal{exit_failed, flag + ": " + why.message()};
    };
    if (!s.restore.empty()) {
        auto const done = store::restore_registry(s.restore, s.database);
        if (!done) refuse("--restore '" + s.restore + "'", done.error());
    }
    auto opened = store::registry_database::open(s.database);
    if (!opened) refuse("--db '" + s.database + "'", opened.error());
    auto const db = std::make_shared<store::registry_database>(std::move(*opened));
    auto state = db->load();
    if (!state) refuse("--db '" + s.database + "'", state.error());
    stored made;
    made.state = std::move(*state);
    made.storage.apply = [db](std::span<registry::durable_change const> changes) { return db->apply(changes); };
    if (!s.snapshots.empty()) {
        made.storage.write_snapshot = [db, directory = s.snapshots, keep = s.snapshots_kept] {
            return db->write_snapshot(directory, keep);
        };
    }
    return made;
#else
    throw refusal{exit_failed, "--db '" + s.database + "': this program was built without SQLite"};
#endif
}

} // namespace registry_program
