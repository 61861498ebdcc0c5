// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The database of the program, where it was built with SQLite.
#ifndef PEERKIT_REGISTRY_STORAGE_HPP
#define PEERKIT_REGISTRY_STORAGE_HPP

#include "settings.hpp"

#include <peerkit/net/registry_journal.hpp>
#include <peerkit/registry/change.hpp>

namespace registry_program {

struct stored {
    peerkit::net::registry_storage storage;
    peerkit::registry::saved_state state;
};

/// Opens the database, or makes it; with `restore`, what the copy holds takes the place of what is in it.
/// @throws refusal
stored open_storage(settings const& s);

} // namespace registry_program

#endif
