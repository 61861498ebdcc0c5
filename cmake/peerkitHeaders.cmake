# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Every public header, once, under the component that owns it; paths are relative to include/.
#
# Sorted, one per line. tests/lint/headers.py refuses a header that is in no list, in two lists or missing on disk,
# and a header whose third-party includes do not fit its component.

# Standard library and tl::expected only.
set(peerkit_core_headers
    peerkit/core/bounded_text.hpp
    peerkit/core/bytes.hpp
    peerkit/core/clock.hpp
    peerkit/core/description.hpp
    peerkit/core/endpoint.hpp
    peerkit/core/error.hpp
    peerkit/core/ip_address.hpp
    peerkit/core/limits.hpp
    peerkit/core/network_id.hpp
    peerkit/core/node_id.hpp
    peerkit/core/rng.hpp
    peerkit/crypto/error.hpp
    peerkit/crypto/fake.hpp
    peerkit/crypto/frame.hpp
    peerkit/crypto/replay_window.hpp
    peerkit/crypto/sealing.hpp
    peerkit/crypto/signed_record.hpp
    peerkit/crypto/signing.hpp
    peerkit/detail/config.hpp
    peerkit/discovery/bounded_list.hpp
    peerkit/discovery/candidate.hpp
    peerkit/discovery/candidate_filter.hpp
    peerkit/discovery/error.hpp
    peerkit/discovery/first_of.hpp
    peerkit/discovery/json_fault.hpp
    peerkit/discovery/name_pattern.hpp
    peerkit/discovery/rfc3339.hpp
    peerkit/discovery/static_list.hpp
    peerkit/discovery/strategy.hpp
    peerkit/discovery/tailscale_selection.hpp
    peerkit/discovery/tailscale_types.hpp
    peerkit/gossip/announcement_handler.hpp
    peerkit/gossip/anti_entropy.hpp
    peerkit/gossip/broadcast_queue.hpp
    peerkit/gossip/budget.hpp
    peerkit/gossip/counters.hpp
    peerkit/gossip/engine.hpp
    peerkit/gossip/error.hpp
    peerkit/gossip/event.hpp
    peerkit/gossip/impl/engine_exchanging.hpp
    peerkit/gossip/impl/engine_inputs.hpp
    peerkit/gossip/impl/engine_members.hpp
    peerkit/gossip/impl/engine_probing.hpp
    peerkit/gossip/impl/engine_spreading.hpp
    peerkit/gossip/member_view.hpp
    peerkit/gossip/outbox.hpp
    peerkit/gossip/policies.hpp
    peerkit/gossip/probe.hpp
    peerkit/gossip/relay.hpp
    peerkit/gossip/tunables.hpp
    peerkit/membership/member_state.hpp
    peerkit/membership/member_table.hpp
    peerkit/membership/suspicion.hpp
    peerkit/node/discovery_schedule.hpp
    peerkit/node/node_logic.hpp
    peerkit/sim/audit.hpp
    peerkit/sim/birth.hpp
    peerkit/sim/byte_pool.hpp
    peerkit/sim/default_world.hpp
    peerkit/sim/discovery_source.hpp
    peerkit/sim/error.hpp
    peerkit/sim/event_queue.hpp
    peerkit/sim/intruder.hpp
    peerkit/sim/invariants.hpp
    peerkit/sim/network.hpp
    peerkit/sim/node_clock.hpp
    peerkit/sim/occurrence.hpp
    peerkit/sim/population.hpp
    peerkit/sim/simulated_node.hpp
    peerkit/sim/statistics.hpp
    peerkit/sim/streams.hpp
    peerkit/sim/timer_queue.hpp
    peerkit/sim/trace.hpp
    peerkit/sim/world.hpp
    peerkit/sim/world_options.hpp
    peerkit/wire/envelope.hpp
    peerkit/wire/error.hpp
    peerkit/wire/message.hpp
    peerkit/wire/packed_range.hpp
    peerkit/wire/record.hpp
    peerkit/wire/record_check.hpp
    peerkit/wire/stream.hpp
)

# Headers that include <sodium.h>.
set(peerkit_crypto_headers
    peerkit/crypto/identity.hpp
    peerkit/crypto/key_file.hpp
    peerkit/crypto/key_ring.hpp
    peerkit/crypto/network_key.hpp
    peerkit/crypto/network_name.hpp
    peerkit/crypto/open_network.hpp
    peerkit/crypto/secret_bytes.hpp
    peerkit/crypto/secure_rng.hpp
    peerkit/crypto/sodium.hpp
)

# Headers that include simdjson.
set(peerkit_json_headers
    peerkit/discovery/tailscale.hpp
    peerkit/discovery/tailscale_status.hpp
)

# Headers that include Asio: net/**.
set(peerkit_net_headers
    peerkit/net/any_strategy.hpp
    peerkit/net/cancellation.hpp
    peerkit/net/child_process.hpp
    peerkit/net/command.hpp
    peerkit/net/convert.hpp
    peerkit/net/datagrams.hpp
    peerkit/net/discovery_driver.hpp
    peerkit/net/error.hpp
    peerkit/net/file_read.hpp
    peerkit/net/framed_stream.hpp
    peerkit/net/http_get.hpp
    peerkit/net/http_response.hpp
    peerkit/net/incarnation_file.hpp
    peerkit/net/interfaces.hpp
    peerkit/net/name_lookup.hpp
    peerkit/net/node.hpp
    peerkit/net/node_config.hpp
    peerkit/net/node_runtime.hpp
    peerkit/net/port_pair.hpp
    peerkit/net/system.hpp
    peerkit/net/traffic.hpp
)

# The umbrella for hosts.
set(peerkit_peerkit_headers
    peerkit/peerkit.hpp
)
