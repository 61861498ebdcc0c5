// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The engine room of a node: feeds node_logic from sockets and timers, and carries out its actions.
#ifndef PEERKIT_NET_NODE_RUNTIME_HPP
#define PEERKIT_NET_NODE_RUNTIME_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/any_strategy.hpp>
#include <peerkit/discovery/strategy.hpp>
#include <peerkit/gossip/delivery.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/gossip/outbox.hpp>
#include <peerkit/gossip/topics.hpp>
#include <peerkit/net/any_http_client.hpp>
#include <peerkit/net/any_resolver.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/convert.hpp>
#include <peerkit/net/datagrams.hpp>
#include <peerkit/net/discovery_driver.hpp>
#include <peerkit/net/entry_watch.hpp>
#include <peerkit/net/error.hpp>
#include <peerkit/net/event_channel.hpp>
#include <peerkit/net/framed_stream.hpp>
#include <peerkit/net/interface_monitor.hpp>
#include <peerkit/net/interfaces.hpp>
#include <peerkit/net/local_link.hpp>
#include <peerkit/net/memory_keeper.hpp>
#include <peerkit/net/message.hpp>
#include <peerkit/net/port_pair.hpp>
#include <peerkit/net/system.hpp>
#include <peerkit/net/traffic.hpp>
#include <peerkit/node/node_logic.hpp>
#include <peerkit/node/own_announcement.hpp>
#include <peerkit/store/node_memory.hpp>
#include <peerkit/wire/record.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// One running node. `net::basic_node` is the handle hosts use; this object lives until the last of its operations has
/// ended, which is soon after `stop`. Everything happens on the executor, without locks.
template <typename Policies>
class node_runtime : public std::enable_shared_from_this<node_runtime<Policies>> {
public:
    using logic_type = typename peerkit::node::logic_for<Policies>::type;
    using event_handler = std::function<void(gossip::event const&)>;
    using notice_handler = net::notice_handler;
    using message_handler = std::function<void(node_runtime&, gossip::incoming const&)>;
    using topics_handler = std::function<bool(node_runtime&, gossip::incoming const&)>;

    struct parts {
        port_pair sockets;
        logic_type logic;
        discovery::any_strategy strategy;
        any_resolver resolver; ///< empty: the system's
        any_http_client http;  ///< empty: HTTP requests are `unsupported`
        local_link_maker link; ///< empty: no browsing, no publishing
        opened_memory memory;
        gossip::tunables tunables;
        std::size_t send_queue;
        std::vector<typed_address> advertised{};
        std::optional<std::vector<interface_address>> interfaces{}; ///< watched from these on; none: they are not
        bool advertise_interfaces = false;                          ///< advertise what there is when they change
    };

    node_runtime(asio::any_io_executor executor, parts from)
        : executor_{std::move(executor)}, sockets_{std::move(from.sockets)}, timer_{executor_},
          sender_{sockets_.system_family(), from.send_queue}, logic_{std::move(from.logic)},
          strategy_{std::move(from.strategy)}, driver_{make_driver(std::move(from.resolver), std::move(from.http))},
          memory_{make_keeper(std::move(from.memory))}, tunables_{from.tunables}, make_link_{std::move(from.link)},
          advertised_{std::move(from.advertised)}, interfaces_{std::move(from.interfaces)},
          advertise_interfaces_{from.advertise_interfaces} {}

    [[nodiscard]] result<void> start() {
        if (stop_->stopped()) return fail(net_error::stopped);
        if (started_) return fail(net_error::already_started);
        if (auto ok = logic_.start(clock_.now(), out_); !ok) return ok;
        started_ = true;
        driver_->run_for(announcing());
        if (memory_) keep_memory();
        if (make_link_) link_ = make_link_(executor_, stop_);
        if (link_) {
            driver_->browse_with([link = link_](std::shared_ptr<stop_state> stop, discovery::browse_services wanted) {
                return link->browse(std::move(stop), std::move(wanted));
            });
        }
        if (interfaces_) {
            spawn(watch_interfaces(executor_, stop_, std::move(*interfaces_),
                                   [runtime = self()](auto const& now) { runtime->interfaces_changed(now); }));
        }
        spawn(timer_loop(self()));
        carry_out();
        return {};
    }

    /// Ends everything at once; the coroutines end as soon as the executor runs them.
    void stop() {
        if (stop_->stopped()) return;
        auto const alive = self();
        stop_->stop();
        for (auto const& one : std::exchange(channels_, {})) {
            if (auto const channel = one.lock()) channel->close();
        }
        if (feed_) feed_->close();
        sockets_.close();
        timer_.cancel();
        links_.clear();
        for (auto const& [id, waiting] : std::exchange(waiting_, {})) {
            waiting->outcome = fail(net_error::stopped);
            waiting->done.open();
        }
    }

    /// What strategies told others of this node they may take back for so long.
    static constexpr duration farewell_time = std::chrono::seconds{2};

    /// Says goodbye, waits until that was spread and discovery has said its own, or patience is over, and stops.
    [[nodiscard]] static asio::awaitable<void> leave(std::shared_ptr<node_runtime> self) {
        if (self->started_ && !self->stop_->stopped() && (self->logic_.running() || self->left_)) {
            if (!self->left_) {
                self->left_ = std::make_shared<gate>(self->executor_);
                self->said_farewell_ = std::make_shared<gate>(self->executor_);
                self->spawn(say_farewell(self));
            }
            auto const left = self->left_, said_farewell = self->said_farewell_;
            // The engine's own patience ends in an event, too; this is for the case that it does not come.
            duration const patience = saturating_add(time_point{}, self->tunables_.leave_patience).time_since_epoch() +
                                      std::chrono::seconds{1};
            watchdog guard{self->executor_, self->stop_, patience, [left] { left->open(); }};
            if (self->logic_.running()) {
                self->logic_.leave(self->clock_.now(), self->out_);
                self->carry_out();
            }
            co_await left->wait();
            co_await said_farewell->wait();
            if (self->memory_) co_await memory_keeper::flush(self->memory_, store_patience);
        }
        self->stop();
    }

    [[nodiscard]] entry_watch& watch() noexcept { return watch_; }
    void on_event(event_handler handler) { on_event_ = shared_handler(std::move(handler)); }
    void on_changes(change_feed::handler handler, gossip::member_changes::options const& chosen) {
        if (feed_) feed_->close();
        feed_ = handler ? std::make_shared<change_feed>(executor_, std::move(handler), chosen) : nullptr;
    }
    [[nodiscard]] event_subscription subscribe(std::size_t most) {
        auto const made = std::make_shared<event_channel>(executor_, most);
        if (stop_->stopped())
            made->close();
        else
            channels_.push_back(made);
        return event_subscription{made};
    }
    void on_notice(notice_handler handler) { on_notice_ = shared_handler(std::move(handler)); }

    /// An empty topic stands for all that have no handler of their own.
    void on_message(std::string_view topic, message_handler handler) {
        handlers_.insert_or_assign(std::string{topic}, shared_handler(std::move(handler)));
    }
    void on_topics(topics_handler handler) { on_topics_ = shared_handler(std::move(handler)); }
    void forget_handlers() noexcept {
        handlers_.clear();
        on_topics_.reset();
    }
    template <MessageCoroutine Handler>
    void spawn_handler(std::shared_ptr<Handler> handler, gossip::incoming const& m) {
        spawn(run_handler(self(), std::move(handler), message::copy_of(m)));
    }
    /// Answers a request of somebody else. One that is too large is told as refused, so that the other need not wait.
    void answer(gossip::request_id to, byte_view with) {
        ask([&](auto& logic, time_point now, gossip::outbox& out) {
            if (logic.respond(to, with, now, out)) return;
            (void)logic.decline(to, now, out);
        });
    }

    /// Asks a member and waits for the outcome; the answer is empty if only a confirmation was wanted.
    [[nodiscard]] static asio::awaitable<result<std::vector<std::byte>>> request(std::shared_ptr<node_runtime> self,
                                                                                 node_id to, std::string topic,
                                                                                 std::vector<std::byte> payload,
                                                                                 duration timeout, bool confirm_only) {
        if (self->stop_->stopped()) co_return fail(net_error::stopped);
        if (!self->started_) co_return fail(net_error::not_started);
        time_point const now = self->clock_.now();
        auto const id = confirm_only ? self->logic_.send_reliably(to, topic, payload, timeout, now, self->out_)
                                     : self->logic_.request(to, topic, payload, timeout, now, self->out_);
        if (!id) co_return fail(id.error());
        auto const waiting = std::make_shared<waiter>(self->executor_);
        self->waiting_[*id] = waiting;
        self->carry_out();
        co_await waiting->done.wait();
        co_return std::move(waiting->outcome);
    }

    /// Lets a call into the logic be followed by what it wants done: `call(logic, now, outbox)`.
    template <typename Call>
    auto ask(Call&& call) {
        if constexpr (std::is_void_v<decltype(call(logic_, time_point{}, out_))>) {
            call(logic_, clock_.now(), out_);
            carry_out();
        } else {
            auto answer = call(logic_, clock_.now(), out_);
            carry_out();
            return answer;
        }
    }

    [[nodiscard]] bool started() const noexcept { return started_; }
    [[nodiscard]] bool stopped() const noexcept { return stop_->stopped(); }
    [[nodiscard]] logic_type const& logic() const noexcept { return logic_; }
    [[nodiscard]] traffic const& counted() const noexcept { return *counted_; }
    [[nodiscard]] ip_endpoint const& local() const noexcept { return sockets_.local(); }
    [[nodiscard]] std::vector<typed_address> const& advertised() const noexcept { return advertised_; }
    [[nodiscard]] asio::any_io_executor const& executor() const noexcept { return executor_; }
    [[nodiscard]] time_point now() const noexcept { return clock_.now(); }
    [[nodiscard]] memory_status memory() const { return memory_ ? memory_->status() : memory_status{}; }
    [[nodiscard]] int datagram_handle() { return sockets_.datagrams().native_handle(); }

private:
    /// How long a goodbye waits for the last write to the store.
    static constexpr duration store_patience = std::chrono::seconds{2};

    using tcp = asio::ip::tcp;
    using udp = asio::ip::udp;

    /// A stream the logic knows: being dialled, or connected.
    struct link {
        std::shared_ptr<tcp::socket> dialling;
        std::shared_ptr<framed_stream> stream;
    };
    /// Somebody waits for the outcome of a request.
    struct waiter {
        explicit waiter(asio::any_io_executor const& executor) : done{executor} {}
        gate done;
        result<std::vector<std::byte>> outcome{};
    };

    [[nodiscard]] std::shared_ptr<node_runtime> self() { return this->shared_from_this(); }
    template <typename Handler>
    [[nodiscard]] static std::shared_ptr<Handler const> shared_handler(Handler from) {
        return from ? std::make_shared<Handler const>(std::move(from)) : nullptr;
    }

    /// An exception can only be a host's handler's, or lack of memory: the node stops and run() throws it.
    void spawn(asio::awaitable<void> what) {
        asio::co_spawn(executor_, std::move(what), [runtime = self()](std::exception_ptr e) {
            if (!e) return;
            runtime->stop();
            std::rethrow_exception(e);
        });
    }
    // ---- What the logic wants done ---------------------------------------------------------------------------------

    /// Carries out everything in the outbox. A handler of the host may call the node again; what that adds is carried
    /// out here too, after what was there before.
    void carry_out() {
        if (carrying_out_) return;
        carrying_out_ = true;
        struct cleaning {
            node_runtime& of;
            ~cleaning() {
                of.out_.clear();
                of.carrying_out_ = false;
            }
        };
        {
            cleaning const cleans{*this};
            auto& socket = sockets_.datagrams();
            for (std::size_t i = 0; i < out_.size() && !stop_->stopped(); ++i) {
                gossip::action const a = out_[i];
                if (a.kind == gossip::action_kind::send_datagram) {
                    sender_.add(socket.native_handle(), a.to, a.bytes, *counted_);
                    continue;
                }
                // What is about to happen may grow the outbox, and with it move the bytes that are still to be sent.
                sender_.flush(socket.native_handle(), *counted_);
                carry_out(a);
            }
            if (!stop_->stopped()) sender_.flush(socket.native_handle(), *counted_);
        }
        if (stop_->stopped()) return;
        if (sender_.waiting() != 0 && !awaiting_room_) await_room();
        if (logic_.next_deadline() < armed_) {
            armed_ = time_point::min(); // the timer loop looks again
            timer_.cancel();
        }
    }
    void carry_out(gossip::action const& a) {
        switch (a.kind) {
        case gossip::action_kind::send_datagram: return;
        case gossip::action_kind::open_stream: {
            auto const socket = std::make_shared<tcp::socket>(executor_);
            links_[a.stream] = {socket, nullptr};
            ++counted_->streams_dialled;
            return spawn(dial(self(), a.stream, a.to, socket));
        }
        case gossip::action_kind::send_frame: {
            // A stream that has just ended is reported by its own coroutine.
            auto const found = links_.find(a.stream);
            if (found != links_.end() && found->second.stream) found->second.stream->send(a.bytes);
            return;
        }
        case gossip::action_kind::close_stream: return close_link(a.stream);
        case gossip::action_kind::run_discovery:
            if (!left_ && !std::exchange(discovering_, true)) spawn(discover(self()));
            return;
        case gossip::action_kind::persist:
            remember(a.bytes);
            driver_->announcement_changed();
            return publish();
        case gossip::action_kind::resolve_address: return spawn(find_name(self(), a.to.address));
        case gossip::action_kind::notify: return tell(*a.what);
        case gossip::action_kind::deliver: return hand_over(a);
        case gossip::action_kind::listen: spawn(receive_loop(self())); return spawn(accept_loop(self()));
        }
    }
    void tell(gossip::event what) { // a copy: the handler may grow the outbox
        std::erase_if(channels_, [&](std::weak_ptr<event_channel> const& one) {
            auto const channel = one.lock();
            if (channel) channel->push(what);
            return !channel;
        });
        if (feed_) feed_->push(what);
        if (memory_ && what.kind <= gossip::event_kind::member_removed) memory_->touch();
        if (auto const handler = on_event_) (*handler)(what);
        tell_entry(what);
        if (what.kind == gossip::event_kind::self_left && left_) left_->open();
    }
    void hand_over(gossip::action const& a) {
        gossip::delivery const what = *a.message; // copies: the handler may grow the outbox
        payload_.assign(a.bytes.begin(), a.bytes.end());
        using enum gossip::delivery_kind;
        if (what.kind == response || what.kind == confirmed || what.kind == failed) return finish(what);
        gossip::incoming const m{what, payload_};
        if (auto const all = on_topics_; all && (*all)(*this, m)) return;
        auto found = handlers_.find(m.topic());
        if (found == handlers_.end() || !found->second) found = handlers_.find(std::string_view{});
        if (found != handlers_.end() && found->second) {
            auto const handler = found->second;
            (*handler)(*this, m);
        } else if (m.is_request()) {
            (void)logic_.decline(what.request, clock_.now(), out_);
        }
    }
    void finish(gossip::delivery const& what) {
        auto const found = waiting_.find(what.request);
        if (found == waiting_.end()) return;
        auto const waiting = found->second;
        waiting_.erase(found);
        if (what.why)
            waiting->outcome = tl::unexpected{*what.why};
        else
            waiting->outcome = payload_;
        waiting->done.open();
    }
    template <typename Handler>
    [[nodiscard]] static asio::awaitable<void> run_handler(std::shared_ptr<node_runtime> self,
                                                           std::shared_ptr<Handler> handler, message m) {
        gossip::request_id const asked = m.is_request() ? m.what.request : gossip::request_id{};
        if constexpr (std::is_void_v<handled_t<Handler>>) {
            co_await (*handler)(std::move(m));
        } else {
            auto const answer = co_await (*handler)(std::move(m));
            if (asked != gossip::request_id{} && !self->stop_->stopped())
                self->answer(asked, gossip::answer_bytes(answer));
        }
    }
    /// Of two versions that came at once, the first is passed over.
    void tell_entry(gossip::event const& what) {
        bool const erased = what.kind == gossip::event_kind::entry_erased;
        if (watch_.empty() || (!erased && what.kind != gossip::event_kind::entry_changed)) return;
        auto const held = logic_.get(what.subject, what.key.view());
        if (erased ? held.has_value() : !held || held->version() != what.version) return;
        std::vector<std::byte> value; // a copy: the handler may change what is held
        if (held) value.assign(held->value().begin(), held->value().end());
        watch_.tell({what.subject, what.key.view(), value, what.version, erased});
    }
    void tell_notice(discovery::notice const& what) const {
        if (auto const handler = on_notice_) (*handler)(what);
    }
    void remember(byte_view record) {
        auto const key = wire::record_view::peek(record);
        if (memory_ && key) memory_->announced(key->incarnation);
    }
    [[nodiscard]] std::shared_ptr<memory_keeper> make_keeper(opened_memory from) {
        return from.where ? std::make_shared<memory_keeper>(executor_, stop_, std::move(from)) : nullptr;
    }
    void keep_memory() {
        // The keeper forgets all three when the node stops.
        memory_->begin(
            [this] { return store::write_down(logic_, memory_->registries(), clock_.now(), wall_clock_ms()); },
            [this](discovery::notice const& told) { tell_notice(told); },
            [this] {
                auto const alive = self();
                logic_.on_kept(clock_.now(), out_);
                carry_out();
            });
    }

    // ---- The machine and its link ----------------------------------------------------------------------------------

    /// Tells the local link what this node says of itself now.
    void publish() {
        if (!link_) return;
        if (auto const ok = link_->publish(logic_.id(), logic_.engine().self()); !ok) {
            tell_notice({discovery::notice::severity::warning, ok.error(), "publishing on the local link"});
        }
    }
    void interfaces_changed(result<std::vector<interface_address>> const& now) {
        using severity = discovery::notice::severity;
        if (!now) return tell_notice({severity::warning, now.error(), "interfaces"});
        ip_family const only = sockets_.dual() ? ip_family::none : sockets_.local().address.family();
        std::vector<ip_address> own;
        for (interface_address const& one : *now) own.push_back(one.address);
        logic_.moved(own_subnets(*now, only), std::move(own));
        if (!advertise_interfaces_) return;
        auto chosen = choose_addresses(*now, only);
        if (chosen.empty() || chosen == advertised_)
            return; // without any, others have nothing better than the old ones
        description changed = logic_.engine().self();
        bool const as_chosen = changed.addresses == advertised_; // the host may have said something else since
        advertised_ = std::move(chosen);
        if (!as_chosen) return;
        changed.addresses = advertised_;
        if (auto const ok = logic_.update(std::move(changed), clock_.now(), out_); !ok) {
            tell_notice({severity::warning, ok.error(), "addresses after a change of interfaces"});
        }
        carry_out();
    }
    [[nodiscard]] static asio::awaitable<void> find_name(std::shared_ptr<node_runtime> self, ip_address of) {
        auto const found = co_await self->driver_->resolver().resolve(self->stop_, discovery::resolve_address{of});
        if (self->stop_->stopped()) co_return;
        auto const name = found ? result<std::string_view>{found->host} : fail(found.error());
        self->logic_.on_host_name(of, name, self->clock_.now(), self->out_);
        self->carry_out();
    }

    // ---- Time ------------------------------------------------------------------------------------------------------

    /// One timer. It is set again only when something is due earlier than it would fire; firing early costs less than
    /// being set again with every packet.
    [[nodiscard]] static asio::awaitable<void> timer_loop(std::shared_ptr<node_runtime> self) {
        asio::error_code ignored;
        while (!self->stop_->stopped()) {
            time_point const now = self->clock_.now();
            if (self->logic_.next_deadline() <= now) {
                self->logic_.on_tick(now, self->out_);
                self->carry_out();
                if (self->stop_->stopped()) break;
            }
            self->armed_ = self->logic_.next_deadline();
            self->timer_.expires_at(to_steady(self->armed_));
            co_await self->timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            self->armed_ = time_point::min();
        }
    }

    // ---- Datagrams -------------------------------------------------------------------------------------------------

    /// Batches taken before everything else on the executor has its turn.
    static constexpr unsigned batches_per_turn = 8;

    [[nodiscard]] static asio::awaitable<void> receive_loop(std::shared_ptr<node_runtime> self) {
        asio::error_code ec;
        while (!self->stop_->stopped()) {
            co_await self->sockets_.datagrams().async_wait(udp::socket::wait_read,
                                                           asio::redirect_error(asio::use_awaitable, ec));
            if (self->stop_->stopped()) break;
            if (ec) ++self->counted_->receive_errors;
            // An error that stays must not keep us busy.
            if (ec || !self->receive_some()) {
                co_await pause_for(self->executor_, self->stop_, std::chrono::milliseconds{10});
            }
        }
    }
    /// False if the socket gives nothing but errors.
    [[nodiscard]] bool receive_some() {
        unsigned errors = 0;
        for (unsigned turn = 0; turn < batches_per_turn && !stop_->stopped(); ++turn) {
            time_point const now = clock_.now();
            auto const got = receiver_.receive(
                sockets_.datagrams().native_handle(), *counted_,
                [&](byte_span bytes, ip_endpoint const& from) { logic_.on_datagram(bytes, from, now, out_); });
            carry_out();
            if (got.received == 0 && (got.code == EAGAIN || got.code == EWOULDBLOCK)) return true;
            if (got.received == 0 && got.code != EINTR) {
                ++counted_->receive_errors;
                ++errors;
            } else if (got.received < datagram_receiver::batch) {
                return true;
            }
        }
        return errors < batches_per_turn;
    }
    void await_room() {
        awaiting_room_ = true;
        sockets_.datagrams().async_wait(udp::socket::wait_write, [runtime = self()](asio::error_code) {
            runtime->awaiting_room_ = false;
            if (runtime->stop_->stopped()) return;
            runtime->sender_.resume(runtime->sockets_.datagrams().native_handle(), *runtime->counted_);
            if (runtime->sender_.waiting() != 0) runtime->await_room();
        });
    }

    // ---- Streams ---------------------------------------------------------------------------------------------------

    [[nodiscard]] stream_bounds bounds() const noexcept {
        stream_bounds made;
        made.idle = tunables_.stream_timeout * 2; // the logic ends exchanges earlier
        return made;
    }
    void close_link(gossip::stream_id id) {
        auto const found = links_.find(id);
        if (found == links_.end()) return;
        link const closing = std::move(found->second);
        links_.erase(found);
        asio::error_code ignored;
        if (closing.stream)
            closing.stream->finish();
        else
            closing.dialling->close(ignored);
    }

    [[nodiscard]] static asio::awaitable<void> dial(std::shared_ptr<node_runtime> self, gossip::stream_id id,
                                                    ip_endpoint to, std::shared_ptr<tcp::socket> socket) {
        asio::error_code ec;
        bool timed_out = false;
        {
            watchdog guard{self->executor_, self->stop_, self->tunables_.stream_timeout, [socket] {
                               asio::error_code ignored;
                               socket->close(ignored);
                           }};
            auto const where = to_asio<tcp>(to);
            socket->open(where.protocol(), ec);
            if (!ec) {
                close_on_exec(socket->native_handle());
                // Others see the address this node was bound to, not another one of the machine.
                ip_address const& own = self->sockets_.local().address;
                if (!own.is_unspecified() && own.family() == to.address.family()) {
                    socket->bind({to_asio(own), 0}, ec);
                }
            }
            if (!ec) co_await socket->async_connect(where, asio::redirect_error(asio::use_awaitable, ec));
            timed_out = guard.timed_out();
        }
        auto const found = self->links_.find(id);
        if (found == self->links_.end()) co_return; // closed by the logic meanwhile, or stopped
        if (ec || !socket->is_open()) {
            self->links_.erase(found);
            ++self->counted_->streams_dial_failed;
            auto const allowed = std::chrono::duration_cast<std::chrono::milliseconds>(self->tunables_.stream_timeout);
            error const why =
                timed_out ? error{net_error::dial_timed_out, static_cast<std::uint64_t>(allowed.count()), "dial"}
                          : error{net_error::dial_failed, system_code(ec), "dial"};
            self->logic_.on_stream_closed(id, why, self->clock_.now(), self->out_);
            self->carry_out();
            co_return;
        }
        auto const stream =
            std::make_shared<framed_stream>(std::move(*socket), self->stop_, self->counted_, self->bounds());
        found->second = {nullptr, stream};
        self->logic_.on_stream_opened(id, self->clock_.now(), self->out_);
        self->carry_out();
        co_await serve(self, id, stream);
    }

    [[nodiscard]] static asio::awaitable<void> serve(std::shared_ptr<node_runtime> self, gossip::stream_id id,
                                                     std::shared_ptr<framed_stream> stream) {
        struct counting {
            std::uint64_t& open;
            explicit counting(std::uint64_t& number) : open{number} { ++open; }
            ~counting() { --open; }
        } const counts{self->counted_->streams_open};
        auto const why = co_await stream->run([&self, id](byte_span frame) {
            self->logic_.on_stream_frame(id, frame, self->clock_.now(), self->out_);
            self->carry_out();
        });
        if (why) ++self->counted_->streams_broken;
        if (self->stop_->stopped() || stream->finishing()) co_return;
        self->links_.erase(id);
        self->logic_.on_stream_closed(id, why, self->clock_.now(), self->out_);
        self->carry_out();
    }

    [[nodiscard]] static asio::awaitable<void> accept_loop(std::shared_ptr<node_runtime> self) {
        asio::error_code ec;
        while (!self->stop_->stopped()) {
            tcp::socket socket =
                co_await self->sockets_.listener().async_accept(asio::redirect_error(asio::use_awaitable, ec));
            if (self->stop_->stopped()) break;
            if (ec) {
                ++self->counted_->accept_errors;
                // Without descriptors the connection stays in the queue and would wake us again at once.
                if (ec != asio::error::connection_aborted)
                    co_await pause_for(self->executor_, self->stop_, std::chrono::milliseconds{50});
                continue;
            }
            self->accept(std::move(socket));
        }
    }
    void accept(tcp::socket socket) {
        asio::error_code ec;
        ip_endpoint const from = from_asio(socket.remote_endpoint(ec));
        if (ec) return; // gone already
        // Streams that the logic has closed may still linger; there is an end to that.
        bool const crowded = counted_->streams_open >= tunables_.max_streams * 2;
        auto const id = crowded ? result<gossip::stream_id>{fail(gossip::gossip_error::too_many_streams)}
                                : logic_.on_stream_accepted(from, clock_.now(), out_);
        if (id) {
            ++counted_->streams_accepted;
            auto const stream = std::make_shared<framed_stream>(std::move(socket), stop_, counted_, bounds());
            links_[*id] = {nullptr, stream};
            spawn(serve(self(), *id, stream));
        } else {
            ++counted_->streams_refused;
        }
        carry_out();
    }

    // ---- Discovery -------------------------------------------------------------------------------------------------

    [[nodiscard]] std::shared_ptr<discovery_driver> make_driver(any_resolver resolver, any_http_client http) {
        auto made = resolver ? std::make_shared<discovery_driver>(executor_, stop_, std::move(resolver))
                             : std::make_shared<discovery_driver>(executor_, stop_);
        made->request_with(std::move(http));
        return made;
    }
    [[nodiscard]] static asio::awaitable<void> discover(std::shared_ptr<node_runtime> self) {
        ++self->counted_->discovery_runs;
        self->driver_->unwatch();
        discovery_end end = co_await self->driver_->run(
            self->strategy_, [&self](discovery::notice const& told) { self->tell_notice(told); });
        self->discovering_ = false;
        if (self->stop_->stopped() || self->left_) co_return;
        self->driver_->watch(std::move(end.watches), [self] {
            self->logic_.on_discovery_hint(self->clock_.now(), self->out_);
            self->carry_out();
        });
        if (end.answer)
            self->logic_.on_candidates(*end.answer, self->clock_.now(), self->out_);
        else
            self->logic_.on_discovery_failed(end.answer.error(), self->clock_.now(), self->out_);
        self->carry_out();
    }

    [[nodiscard]] static asio::awaitable<void> say_farewell(std::shared_ptr<node_runtime> self) {
        auto const said = self->said_farewell_;
        struct opening {
            gate& of;
            ~opening() { of.open(); }
        } const opens{*said};
        co_await self->driver_->say_farewell(
            self->strategy_, [&self](discovery::notice const& told) { self->tell_notice(told); }, farewell_time);
    }
    /// What strategies may do with this node's announcement. What is under way may outlive this object for a moment.
    [[nodiscard]] peerkit::node::announcing_node announcing() {
        auto const weak = this->weak_from_this();
        auto const gone = [] { return fail(discovery::discovery_error::unavailable, 0, "announcement"); };
        return {[weak, gone](byte_view challenge) -> result<discovery::announcement> {
                    auto const runtime = weak.lock();
                    if (!runtime || runtime->stop_->stopped()) return gone();
                    auto made = peerkit::node::read_own_announcement(runtime->logic_, challenge);
                    if (made && runtime->memory_) runtime->memory_->add_registries(made->registries);
                    return made;
                },
                [weak, gone](std::string_view registry) -> result<void> {
                    auto const runtime = weak.lock();
                    if (!runtime || runtime->stop_->stopped()) return gone();
                    return runtime->ask([&](auto& logic, time_point now, gossip::outbox& out) {
                        return peerkit::node::announce_registry(logic, registry, now, out);
                    });
                },
                [weak]() -> std::uint64_t {
                    auto const runtime = weak.lock();
                    return runtime ? runtime->logic_.incarnation() : 0;
                }};
    }

    asio::any_io_executor executor_;
    std::shared_ptr<stop_state> stop_ = std::make_shared<stop_state>();
    std::shared_ptr<traffic> counted_ = std::make_shared<traffic>();
    system_steady_clock clock_;

    port_pair sockets_;
    asio::steady_timer timer_;
    time_point armed_ = time_point::min(); ///< when the timer fires; the first moment while it does not run
    datagram_receiver receiver_;
    datagram_sender sender_;
    bool awaiting_room_ = false;

    logic_type logic_;
    gossip::outbox out_;
    bool carrying_out_ = false;
    std::unordered_map<gossip::stream_id, link> links_;

    discovery::any_strategy strategy_;
    std::shared_ptr<discovery_driver> driver_;
    bool discovering_ = false;
    std::shared_ptr<memory_keeper> memory_; ///< null without a store
    gossip::tunables tunables_;
    local_link_maker make_link_;
    std::shared_ptr<local_link> link_;
    std::vector<typed_address> advertised_;
    std::optional<std::vector<interface_address>> interfaces_; ///< until the start
    bool advertise_interfaces_;

    std::map<std::string, std::shared_ptr<message_handler const>, std::less<>> handlers_; ///< by topic
    std::shared_ptr<topics_handler const> on_topics_;
    std::unordered_map<gossip::request_id, std::shared_ptr<waiter>> waiting_;
    std::vector<std::byte> payload_; ///< what is being handed to the host

    std::shared_ptr<event_handler const> on_event_;
    entry_watch watch_;
    std::vector<std::weak_ptr<event_channel>> channels_;
    std::shared_ptr<change_feed> feed_;
    std::shared_ptr<notice_handler const> on_notice_;
    std::shared_ptr<gate> left_;          ///< from the goodbye on; opened when it was spread
    std::shared_ptr<gate> said_farewell_; ///< the same of discovery
    bool started_ = false;
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
