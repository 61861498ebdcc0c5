// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Puts the discovery strategy together that the settings ask for.
#ifndef PEERKIT_NODE_FIND_PEERS_HPP
#define PEERKIT_NODE_FIND_PEERS_HPP

#include "flags.hpp"
#include "settings.hpp"

#include <peerkit/discovery/any_strategy.hpp>
#include <peerkit/net/any_http_client.hpp>
#include <peerkit/net/any_resolver.hpp>
#include <peerkit/net/local_link.hpp>

#include <asio/any_io_executor.hpp>

namespace node_program {

/// What `--strategy`, or `--discover` and its flags, say. It fits the providers there are.
/// @throws refusal
peerkit::discovery::provider_text describe_strategy(flags const& f);

/// @throws refusal
peerkit::discovery::any_strategy make_strategy(run_settings const& settings);

/// Whoever looks for others on the local link is found there, too; empty where the strategy does not.
peerkit::net::local_link_maker make_link(run_settings const& settings);

/// Empty where no name server was given: the system's resolver is used. @throws refusal
peerkit::net::any_resolver make_resolver(asio::any_io_executor const& executor, run_settings const& settings);

/// For registries; empty if the program was built without. @throws refusal
peerkit::net::any_http_client make_http(asio::any_io_executor const& executor, run_settings const& settings);

} // namespace node_program

#endif
