// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// From --store and --state-dir to a store.
#include "memory.hpp"

#include <peerkit/store/file_store.hpp>
#include <peerkit/store/memory_store.hpp>
#ifdef PEERKIT_NODE_HAS_SQLITE
#    include <peerkit/store/sqlite_store.hpp>
#endif

namespace node_program {

using namespace peerkit;

store::any_store make_store(run_settings const& settings) {
    bool const somewhere = !settings.state_directory.empty();
    switch (settings.store) {
    case store_kind::usual:
        return somewhere ? store::any_store{store::file_store{settings.state_directory}} : store::any_store{};
    case store_kind::none: return {};
    case store_kind::memory: return store::memory_store{};
    case store_kind::file:
        if (!somewhere) refuse("--store file: needs --state-dir");
        return store::file_store{settings.state_directory};
    case store_kind::sqlite:
#ifdef PEERKIT_NODE_HAS_SQLITE
        if (!somewhere) refuse("--store sqlite: needs --state-dir");
        return store::sqlite_store{settings.state_directory};
#else
        refuse("--store sqlite: this program was built without SQLite");
#endif
    }
    return {};
}

} // namespace node_program
