// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A member of a network on real sockets: what most hosts include.
#ifndef PEERKIT_NET_NODE_HPP
#define PEERKIT_NET_NODE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/description_edit.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/key_file.hpp>
#include <peerkit/crypto/key_ring.hpp>
#include <peerkit/crypto/network_name.hpp>
#include <peerkit/crypto/open_network.hpp>
#include <peerkit/crypto/secure_rng.hpp>
#include <peerkit/crypto/signed_record.hpp>
#include <peerkit/crypto/sodium.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/counters.hpp>
#include <peerkit/gossip/delivery.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/gossip/explanation.hpp>
#include <peerkit/gossip/member_query.hpp>
#include <peerkit/gossip/member_view.hpp>
#include <peerkit/gossip/outbox.hpp>
#include <peerkit/gossip/policies.hpp>
#include <peerkit/gossip/topics.hpp>
#include <peerkit/net/entry_watch.hpp>
#include <peerkit/net/event_channel.hpp>
#include <peerkit/net/incarnation.hpp>
#include <peerkit/net/interfaces.hpp>
#include <peerkit/net/memory_keeper.hpp>
#include <peerkit/net/message.hpp>
#include <peerkit/net/node_config.hpp>
#include <peerkit/net/node_runtime.hpp>
#include <peerkit/net/port_pair.hpp>
#include <peerkit/net/traffic.hpp>
#include <peerkit/store/stored_state.hpp>
#include <peerkit/wire/entry.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/use_awaitable.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// The host's name made fit to be a node's name: its first label, other characters replaced by '-'.
[[nodiscard]] inline std::string host_label() {
    std::array<char, 256> buffer{};
    if (::gethostname(buffer.data(), buffer.size() - 1) != 0) return "node";
    std::string name{std::string_view{buffer.data()}.substr(0, std::string_view{buffer.data()}.find('.'))};
    for (char& c : name) {
        if (!check_name({&c, 1}, 1, "name")) c = '-';
    }
    name.resize(std::min(name.size(), limits::name));
    return name.empty() ? "node" : name;
}

/// A member of a network: owns its sockets, finds peers, keeps the list of members, tells what happens.
///
/// Any number of nodes may share an `io_context`. Nothing here blocks, and nothing needs a thread of its own.
/// Moves but does not copy; the destructor stops the node and no handler is called after it.
///
/// @par Thread safety
/// Distinct nodes: safe. One node: unsafe. Every member, the destructor included, is called on the node's executor, or
/// while nobody runs it. With an `io_context` run by several threads the executor must be a strand, and calls from
/// elsewhere are posted there: `asio::post(node.executor(), [&] { node.stop(); })`. Only `leave`, `request` and
/// `send_reliably` may be awaited from any coroutine.
///
/// @par Exceptions
/// None of its own but `std::bad_alloc`. One thrown by a handler of the host stops the node and leaves `run()`.
///
/// @par Example
/// @code
/// asio::io_context loop;
/// net::node_config config;
/// config.key = crypto::network_key::parse(text).value();
/// config.discovery = discovery::static_list::parse("10.0.0.1, 10.0.0.2").value();
/// auto node = net::node::create(loop.get_executor(), std::move(config));
/// if (!node) return report(node.error().message());
/// node->on_event([](gossip::event const& e) { log(to_string(e.kind)); });
/// if (auto ok = node->start(); !ok) return report(ok.error().message());
/// loop.run();
/// @endcode
/// @tparam Policies a `gossip::policies`; see `net::node` and `net::open_node` for the usual ones
template <typename Policies>
class basic_node {
public:
    using policies = Policies;
    using runtime = node_runtime<Policies>;
    using event_handler = typename runtime::event_handler;
    using notice_handler = typename runtime::notice_handler;

    /// What the policies are made of, for those that a `node_config` does not describe.
    struct seats {
        typename Policies::signing identity;
        typename Policies::sealing seal;
        typename Policies::rng random;
        typename Policies::announcements handler{};
    };

    /// Binds the sockets and prepares everything; the node is silent until `start`. `network`, `key`, `identity` and
    /// `identity_file` of the configuration play no part: `network` and `with` say all that.
    ///
    /// A store is read before this returns, which takes the disk's time and one signature check per peer; it is written
    /// on a thread of its own. What the configuration leaves open, the name and a port of 0, is as it was in
    /// the earlier life. A store that cannot be read does not keep the node from starting: a notice tells, and
    /// `memory().trouble`. Refused are only a store that another process uses and the memory of another network.
    /// @par Errors those of `port_pair::open` and `advertised_addresses`; `store_error::in_use`, `not_ours`
    [[nodiscard]] static result<basic_node> create(asio::any_io_executor executor, node_config config,
                                                   network_id network, seats with) {
        auto memory = open_memory(std::move(config.store), with.identity.id(), network,
                                  &crypto::verify_record<typename Policies::signing>);
        if (!memory) return fail(memory.error());
        auto sockets = open_sockets(executor, config.listen, memory->earlier.gossip_port);
        if (!sockets) return fail(sockets.error());
        if (config.self.name.empty()) config.self.name = memory->earlier.name;

        basic_node made;
        ip_address const& bound = sockets->local().address;
        ip_family const only = sockets->dual() ? ip_family::none : bound.family();
        std::vector<interface_address> interfaces;
        if (bound.is_unspecified()) {
            auto listed = list_interfaces();
            if (!listed) return fail(listed.error());
            interfaces = std::move(*listed);
        }
        bool const chosen_here = config.self.addresses.empty();
        std::vector<typed_address> advertised = config.self.addresses;
        if (chosen_here) {
            auto chosen = advertised_addresses(bound, only);
            if (!chosen) return fail(chosen.error());
            advertised = std::move(*chosen);
        }
        made.gossip_port_ = sockets->local().port;
        complete(config.self, made.gossip_port_, advertised);

        typename runtime::logic_type::options options;
        options.network = network;
        options.self = std::move(config.self);
        options.tunables = config.tunables;
        options.discovery = config.schedule;
        options.incarnation = next_incarnation(memory->earlier.incarnation, wall_clock_incarnation());
        options.most_remembered = std::min(config.remembered_peers, store::max_peers);
        options.remembered = memory->earlier.peers;
        options.has_store = static_cast<bool>(memory->where);
        options.advertise_observed = config.advertise_observed;
        options.names = config.names;
        options.may_dial = std::move(config.may_dial);
        options.own.port = made.gossip_port_;
        options.own.host_names = {host_label()};
        if (!bound.is_unspecified()) options.own.addresses = {bound};
        for (interface_address const& one : interfaces) options.own.addresses.push_back(one.address);
        options.subnets = own_subnets(interfaces, only);
        bool const watch = bound.is_unspecified() && config.follow_interfaces;
        made.runtime_ = std::make_shared<runtime>(
            std::move(executor),
            typename runtime::parts{std::move(*sockets),
                                    {std::move(with.identity), std::move(with.seal), std::move(with.random),
                                     std::move(options), std::move(with.handler)},
                                    std::move(config.discovery),
                                    std::move(config.resolver),
                                    std::move(config.http),
                                    std::move(config.link),
                                    std::move(*memory),
                                    config.tunables,
                                    config.send_queue,
                                    std::move(advertised),
                                    watch ? std::optional{std::move(interfaces)} : std::nullopt,
                                    watch && chosen_here});
        return made;
    }

    /// The seats that a configuration alone describes: identity, key, random numbers. The identity file is read, and
    /// made if missing, before this returns; the configuration's `identity` is taken out of it.
    /// @par Errors `no_key`, `unwanted_key`; those of `crypto::load_or_create_identity`
    [[nodiscard]] static result<seats> seats_of(node_config& config)
        requires std::same_as<typename Policies::signing, crypto::ed25519_identity> &&
                 std::same_as<typename Policies::rng, crypto::secure_rng> &&
                 std::default_initializable<typename Policies::announcements> &&
                 (std::constructible_from<typename Policies::sealing, crypto::network_key const&> ||
                  std::constructible_from<typename Policies::sealing, network_id const&>)
    {
        constexpr bool sealed = std::constructible_from<typename Policies::sealing, crypto::network_key const&>;
        if (auto const ready = crypto::ensure_sodium(); !ready) return fail(ready.error());
        if (sealed && !config.key) return fail(net_error::no_key);
        if (!sealed && config.key) return fail(net_error::unwanted_key);
        auto identity = config.identity                ? result<crypto::ed25519_identity>{std::move(*config.identity)}
                        : config.identity_file.empty() ? crypto::ed25519_identity::generate()
                                                       : crypto::load_or_create_identity(config.identity_file);
        if (!identity) return fail(identity.error());
        auto random = crypto::secure_rng::make();
        if (!random) return fail(random.error());
        auto seal = [&] {
            if constexpr (sealed)
                return typename Policies::sealing{*config.key};
            else
                return typename Policies::sealing{crypto::network_id_of(config.network)};
        }();
        return seats{std::move(*identity), std::move(seal), std::move(*random)};
    }
    /// A node from a configuration alone. @par Errors those of both functions above
    [[nodiscard]] static result<basic_node> create(asio::any_io_executor executor, node_config config)
        requires requires { seats_of(config); }
    {
        auto with = seats_of(config);
        if (!with) return fail(with.error());
        network_id const network = crypto::network_id_of(config.network);
        return create(std::move(executor), std::move(config), network, std::move(*with));
    }

    basic_node(basic_node&&) noexcept = default;
    basic_node& operator=(basic_node&& from) noexcept {
        if (this != &from) {
            end();
            runtime_ = std::move(from.runtime_);
            gossip_port_ = from.gossip_port_;
        }
        return *this;
    }
    ~basic_node() { end(); }

    /// Starts to listen, look for peers and talk. Handlers are set before, so that they miss nothing; the first events
    /// come during this call.
    /// @par Errors `already_started`, `stopped`; those of `gossip::engine::start` for a description or tunables that
    /// cannot be used (`record_too_large` names what crossed the limit)
    [[nodiscard]] result<void> start() {
        auto const alive = runtime_;
        return alive->start();
    }

    /// Ends everything at once, without a goodbye: others find out by themselves. Handlers are not called any more;
    /// `run()` returns when nothing else is left to do. Does nothing the second time.
    void stop() {
        auto const alive = runtime_;
        alive->stop();
    }

    /// Says goodbye, waits until others know (or `tunables::leave_patience` is over), and stops.
    /// @code asio::co_spawn(loop, node.leave(), asio::detached); @endcode
    [[nodiscard]] asio::awaitable<void> leave() { return leave_by(runtime_); }

    /// `handler(gossip::event const&)` is told of everything that happens, from the executor. It may call this node,
    /// and stop or destroy it. Replaces the handler before.
    void on_event(event_handler handler) { runtime_->on_event(std::move(handler)); }
    /// Events for a consumer that must not hold up the node: up to `most` wait for it. As many subscriptions as are
    /// wanted; one that is destroyed costs nothing more.
    /// @code asio::co_spawn(pool, watch(node.events()), asio::detached); @endcode
    [[nodiscard]] event_subscription events(std::size_t most = 1024) { return runtime_->subscribe(most); }
    /// `handler(std::span<gossip::member_change const>)` is told of members that came, changed and went, many at once:
    /// when nothing came for a while. From the executor; replaces the handler before.
    void on_changes(change_feed::handler handler, gossip::member_changes::options const& chosen = {}) {
        runtime_->on_changes(std::move(handler), chosen);
    }
    /// `handler(discovery::notice const&)` is told what strategies have to say, and of trouble with the store.
    void on_notice(notice_handler handler) { runtime_->on_notice(std::move(handler)); }

    /// `handler(entry_change const&)` is told of each entry of others, or of an earlier life of this node, that is
    /// put, changed or erased and whose key begins so; an empty one takes it away again. Replaces the one of the same
    /// prefix. What is there already is found with `entries_with`.
    /// @code node.on_entry("shard/", [](net::entry_change const& c) { show(c.owner, c.key, c.text()); }); @endcode
    void on_entry(std::string_view prefix, entry_handler handler) { runtime_->watch().set(prefix, std::move(handler)); }

    /// Announces a changed description; the gossip port, and addresses if none are given, stay. On an error nothing
    /// has changed.
    /// @par Errors `not_started`, `stopped`; those of `gossip::engine::update`
    [[nodiscard]] result<void> update(description changed) {
        complete(changed, gossip_port_, runtime_->advertised());
        return while_running([&](auto& logic, time_point now, gossip::outbox& out) {
            return logic.update(std::move(changed), now, out);
        });
    }
    /// Announces what `change(description&)` makes of the present description. It may refuse with an error, which is
    /// passed on; then nothing has changed.
    /// @code node.edit([](peerkit::description& self) { return set_label(self, "zone", "b"); }); @endcode
    /// @par Errors those of `change` and `update`
    template <typename Change>
        requires std::same_as<std::invoke_result_t<Change&, description&>, result<void>>
    [[nodiscard]] result<void> edit(Change&& change) {
        if (auto const ready = check_running(); !ready) return ready;
        description changed = self();
        if (auto const done = change(changed); !done) return done;
        return update(std::move(changed));
    }
    /// Announces how well a service of this node does. @par Errors `not_found`; those of `update`
    [[nodiscard]] result<void> set_service_health(std::string_view name, service_health health) {
        return edit([&](description& self) { return peerkit::set_service_health(self, name, health); });
    }

    // User data. What is guaranteed, and what is not, is in docs/messages.md.

    /// `handler` is told of what arrives under this topic, or, with an empty topic, under all that have no handler of
    /// their own. It is a `gossip::MessageHandler`, called from the executor, or a `net::MessageCoroutine`, spawned
    /// there; what it returns answers a request. Replaces the handler before. Without any handler requests are
    /// refused and everything else is dropped.
    /// @code
    /// (void)node.on_message("chat", [](gossip::incoming const& m) { show(m.what.from, m.text()); });
    /// (void)node.on_message("time", [](gossip::incoming const&) { return clock_text(); });
    /// auto const query = [&](net::message m) -> asio::awaitable<std::string> { co_return co_await run(m); };
    /// (void)node.on_message("sql", query);
    /// @endcode
    /// @par Errors those of `wire::check_topic`
    template <typename Handler>
        requires gossip::MessageHandler<Handler> || MessageCoroutine<Handler>
    [[nodiscard]] result<void> on_message(std::string_view topic, Handler handler) {
        if (!topic.empty()) {
            if (auto ok = wire::check_topic(topic); !ok) return ok;
        }
        auto const shared = std::make_shared<Handler>(std::move(handler));
        runtime_->on_message(topic, [shared](runtime& on, gossip::incoming const& m) {
            if constexpr (gossip::MessageHandler<Handler>) {
                gossip::call_handler(*shared, m, [&](byte_view answer) { on.answer(m.what.request, answer); });
            } else {
                on.spawn_handler(shared, m);
            }
        });
        return {};
    }
    /// The same for topics and handlers known when the program is compiled; asked before those of `on_message`.
    /// @code node.on_topics(gossip::topics<gossip::on<"shout", shout>, gossip::on<"log", print>>{}); @endcode
    template <typename... On>
    void on_topics(gossip::topics<On...> handlers) {
        auto const shared = std::make_shared<gossip::topics<On...>>(std::move(handlers));
        runtime_->on_topics([shared](runtime& on, gossip::incoming const& m) {
            return shared->dispatch(m, [&](byte_view answer) { on.answer(m.what.request, answer); });
        });
    }
    /// Tells every live member but this one, each once. Gives the number of this broadcast, counted from 1.
    /// @par Errors `not_started`, `stopped`; those of `gossip::engine::broadcast`
    [[nodiscard]] result<std::uint64_t> broadcast(std::string_view topic, byte_view payload) {
        return while_running(
            [&](auto& logic, time_point now, gossip::outbox&) { return logic.broadcast(topic, payload, now); });
    }
    /// Sends one datagram to a member, which may get lost.
    /// @par Errors `not_started`, `stopped`; those of `gossip::engine::send_message`
    [[nodiscard]] result<void> send_message(node_id const& to, std::string_view topic, byte_view payload) {
        return while_running(
            [&](auto& logic, time_point, gossip::outbox& out) { return logic.send_message(to, topic, payload, out); });
    }
    /// Sends to a member and waits until its host has it, which happens once at most.
    /// @par Errors `not_started`, `stopped`; those of `gossip::engine::send_reliably` and of its outcome
    [[nodiscard]] asio::awaitable<result<void>> send_reliably(node_id to, std::string topic,
                                                              std::vector<std::byte> payload,
                                                              duration timeout = std::chrono::seconds{5}) {
        return confirmed_by(runtime_, to, std::move(topic), std::move(payload), timeout);
    }
    /// Asks a member, at most once, and waits for its answer.
    /// @par Errors `not_started`, `stopped`; those of `gossip::engine::request` and of its outcome
    [[nodiscard]] asio::awaitable<result<std::vector<std::byte>>> request(node_id to, std::string topic,
                                                                          std::vector<std::byte> payload,
                                                                          duration timeout = std::chrono::seconds{5}) {
        return answered_by(runtime_, to, std::move(topic), std::move(payload), timeout, false);
    }
    /// Answers a request that its handler left open.
    /// @par Errors `not_started`, `stopped`; those of `gossip::engine::respond`
    [[nodiscard]] result<void> respond(gossip::request_id to, byte_view answer) {
        return while_running(
            [&](auto& logic, time_point now, gossip::outbox& out) { return logic.respond(to, answer, now, out); });
    }
    /// Refuses a request that its handler left open.
    /// @par Errors `not_started`, `stopped`; those of `gossip::engine::decline`
    [[nodiscard]] result<void> decline(gossip::request_id which) {
        return while_running(
            [&](auto& logic, time_point now, gossip::outbox& out) { return logic.decline(which, now, out); });
    }

    /// Sets a key of this node's map, which every member holds; docs/entries.md says what is guaranteed.
    /// @code if (auto ok = node.put("shard/7", as_bytes("ready")); !ok) report(ok.error()); @endcode
    /// @par Errors `not_started`, `stopped`; those of `gossip::engine::put`
    [[nodiscard]] result<void> put(std::string_view key, byte_view value) {
        return while_running([&](auto& logic, time_point now, gossip::outbox&) { return logic.put(key, value, now); });
    }
    /// Takes a key out of this node's map.
    /// @par Errors `not_started`, `stopped`; `core_error::not_found`
    [[nodiscard]] result<void> erase(std::string_view key) {
        return while_running([&](auto& logic, time_point now, gossip::outbox&) { return logic.erase(key, now); });
    }
    /// Calls whoever is at `where`, once and as a candidate from now on. @par Errors `not_started`, `stopped`
    [[nodiscard]] result<void> contact(ip_endpoint const& where) {
        if (auto const ready = check_running(); !ready) return ready;
        auto const alive = runtime_;
        alive->ask([&](auto& logic, time_point now, gossip::outbox& out) { logic.contact(where, now, out); });
        return {};
    }

    /// Copies of everything known of all members, this one included; the dead and those who left are kept for a while
    /// and say so in `state`.
    [[nodiscard]] std::vector<member_info> members() const {
        std::vector<member_info> copies;
        time_point const now = runtime_->now();
        runtime_->logic().for_each_member([&](gossip::member_view const& m) { copies.push_back(copy_of(m, now)); });
        return copies;
    }
    /// Copies of the members that are meant. @code node.members({.service = "sql", .passing = true}); @endcode
    [[nodiscard]] std::vector<member_info> members(gossip::member_query const& which) const {
        std::vector<member_info> copies;
        time_point const now = runtime_->now();
        runtime_->logic().for_each_member(which,
                                          [&](gossip::member_view const& m) { copies.push_back(copy_of(m, now)); });
        return copies;
    }
    /// Copies of the `count` nearest of the members that are meant, nearest first, this node not among them; see
    /// `gossip::engine::for_each_nearest`.
    [[nodiscard]] std::vector<member_info> nearest(std::size_t count, gossip::member_query const& which = {}) const {
        std::vector<member_info> copies;
        time_point const now = runtime_->now();
        runtime_->logic().for_each_nearest(count, which,
                                           [&](gossip::member_view const& m) { copies.push_back(copy_of(m, now)); });
        return copies;
    }
    [[nodiscard]] std::optional<member_info> find(node_id const& id) const {
        auto const found = runtime_->logic().find(id);
        if (!found) return std::nullopt;
        return copy_of(*found, runtime_->now());
    }
    /// A copy of one entry of a member's map, this node's included.
    [[nodiscard]] std::optional<std::vector<std::byte>> get(node_id const& owner, std::string_view key) const {
        auto const held = runtime_->logic().get(owner, key);
        if (!held) return std::nullopt;
        return std::vector<std::byte>{held->value().begin(), held->value().end()};
    }
    /// Copies of a member's entries, by ascending key.
    [[nodiscard]] std::vector<entry_info> entries(node_id const& owner) const {
        std::vector<entry_info> copies;
        runtime_->logic().for_each_entry(owner,
                                         [&](wire::entry_view const& e) { copies.push_back(copy_of(e, owner)); });
        return copies;
    }
    /// Copies of all members' entries whose key begins with `prefix`.
    [[nodiscard]] std::vector<entry_info> entries_with(std::string_view prefix) const {
        std::vector<entry_info> copies;
        runtime_->logic().for_each_entry_with(prefix, [&](gossip::member_view const& m, wire::entry_view const& e) {
            copies.push_back(copy_of(e, m.id()));
        });
        return copies;
    }
    /// Why a member has the state it has, as a value; `gossip::to_text` makes some lines of it.
    [[nodiscard]] std::optional<gossip::explanation> explain(node_id const& id) const {
        return runtime_->logic().explain(id, runtime_->now());
    }
    /// Copies of every place to call that is known, members among them, with what became of the last call: the first
    /// thing to look at when a cluster does not form.
    [[nodiscard]] std::vector<candidate_info> candidates() const {
        std::vector<candidate_info> copies;
        runtime_->logic().for_each_candidate([&](peerkit::node::known_candidate const& c) {
            candidate_info copy{c.display_name(), c.id, {}, c.sources, c.last.what, c.last.why};
            for (auto const& place : c.places) copy.addresses.push_back(place.where);
            copies.push_back(std::move(copy));
        });
        return copies;
    }
    /// Members that are alive or suspected, this one included.
    [[nodiscard]] std::size_t alive_count() const noexcept { return runtime_->logic().alive_count(); }

    [[nodiscard]] node_id const& id() const noexcept { return runtime_->logic().id(); }
    /// What this node says of itself.
    [[nodiscard]] description const& self() const noexcept { return runtime_->logic().engine().self(); }
    /// How this node's memory is doing.
    [[nodiscard]] memory_status memory() const { return runtime_->memory(); }
    /// The bound address and the real port.
    [[nodiscard]] ip_endpoint const& local() const noexcept { return runtime_->local(); }
    /// Where this node says it is, if nothing else was said with `update`.
    [[nodiscard]] std::vector<typed_address> const& advertised() const noexcept { return runtime_->advertised(); }
    /// Started, and neither stopped nor gone by a goodbye.
    [[nodiscard]] bool running() const noexcept {
        return runtime_->started() && !runtime_->stopped() && runtime_->logic().running();
    }
    [[nodiscard]] gossip::counters const& counters() const noexcept { return runtime_->logic().counters(); }
    [[nodiscard]] traffic const& sockets() const noexcept { return runtime_->counted(); }
    [[nodiscard]] asio::any_io_executor const& executor() const noexcept { return runtime_->executor(); }
    /// The pure node, for everything else that can be looked at.
    [[nodiscard]] typename runtime::logic_type const& logic() const noexcept { return runtime_->logic(); }
    /// The UDP socket, for options of the system (traffic class, filters). Not for sending, receiving or closing.
    [[nodiscard]] int datagram_handle() { return runtime_->datagram_handle(); }

private:
    basic_node() noexcept = default;

    void end() noexcept {
        if (!runtime_) return;
        auto const alive = std::move(runtime_);
        alive->on_event(nullptr);
        alive->on_notice(nullptr);
        alive->watch().clear();
        alive->on_changes(nullptr, {});
        alive->forget_handlers();
        alive->stop();
    }
    [[nodiscard]] static asio::awaitable<result<std::vector<std::byte>>> answered_by(std::shared_ptr<runtime> alive,
                                                                                     node_id to, std::string topic,
                                                                                     std::vector<std::byte> payload,
                                                                                     duration timeout,
                                                                                     bool confirm_only) {
        co_return co_await asio::co_spawn(
            alive->executor(), runtime::request(alive, to, std::move(topic), std::move(payload), timeout, confirm_only),
            asio::use_awaitable);
    }
    [[nodiscard]] static asio::awaitable<result<void>> confirmed_by(std::shared_ptr<runtime> alive, node_id to,
                                                                    std::string topic, std::vector<std::byte> payload,
                                                                    duration timeout) {
        auto const told =
            co_await answered_by(std::move(alive), to, std::move(topic), std::move(payload), timeout, true);
        if (!told) co_return fail(told.error());
        co_return result<void>{};
    }
    [[nodiscard]] static entry_info copy_of(wire::entry_view const& e, node_id const& owner) {
        return {owner, std::string{e.key()}, {e.value().begin(), e.value().end()}, e.version()};
    }
    [[nodiscard]] static asio::awaitable<void> leave_by(std::shared_ptr<runtime> alive) {
        co_await asio::co_spawn(alive->executor(), runtime::leave(alive), asio::use_awaitable);
    }
    /// Port 0 means the one of the earlier life, if it is free: peers that remember this node look there first.
    [[nodiscard]] static result<port_pair> open_sockets(asio::any_io_executor const& executor, listen_options listen,
                                                        std::uint16_t earlier) {
        if (listen.port != 0 || earlier == 0) return port_pair::open(executor, listen);
        listen.port = earlier;
        if (auto again = port_pair::open(executor, listen)) return again;
        listen.port = 0;
        return port_pair::open(executor, listen);
    }
    /// A call into the logic, or the reason why there is none; what it wants done may destroy this object.
    template <typename Call>
    [[nodiscard]] auto while_running(Call&& call) -> decltype(std::declval<runtime&>().ask(call)) {
        if (auto const ready = check_running(); !ready) return fail(ready.error());
        auto const alive = runtime_;
        return alive->ask(call);
    }
    [[nodiscard]] result<void> check_running() const noexcept {
        if (runtime_->stopped()) return fail(net_error::stopped);
        if (!runtime_->started()) return fail(net_error::not_started);
        return {};
    }
    static void complete(description& self, std::uint16_t gossip_port, std::vector<typed_address> const& advertised) {
        if (self.name.empty()) self.name = host_label();
        self.gossip_port = gossip_port;
        if (self.addresses.empty()) self.addresses = advertised;
    }
    [[nodiscard]] static member_info copy_of(gossip::member_view const& m, time_point now) {
        member_info copy;
        copy.id = m.id();
        copy.about = m.record().to_description();
        copy.name = copy.about.name;
        copy.state = m.state();
        copy.incarnation = m.incarnation();
        copy.endpoint = m.endpoint();
        copy.in_state = now - m.since();
        copy.is_self = m.is_self();
        if (auto const trip = m.round_trip()) copy.round_trip = trip->smoothed;
        if (auto const heard = m.last_heard(now)) copy.heard_since = now - *heard;
        return copy;
    }

    std::shared_ptr<runtime> runtime_;
    std::uint16_t gossip_port_ = 0;
};

/// The usual node: Ed25519 identity, frames sealed with a network key.
using node = basic_node<gossip::policies<crypto::ed25519_identity, crypto::xchacha_sealing, crypto::secure_rng>>;
/// A node of a network that anybody may join and read: announcements are signed, nothing is secret.
using open_node = basic_node<gossip::policies<crypto::ed25519_identity, crypto::open_sealing, crypto::secure_rng>>;

} // namespace net
PEERKIT_END_NAMESPACE

#endif
