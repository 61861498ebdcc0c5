// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A registry that runs: HTTP, storage and the way to its root around `registry_logic`.
#ifndef PEERKIT_NET_REGISTRY_SERVER_HPP
#define PEERKIT_NET_REGISTRY_SERVER_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/secure_rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/strategy.hpp>
#include <peerkit/net/any_http_client.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/convert.hpp>
#include <peerkit/net/error.hpp>
#include <peerkit/net/http_connection.hpp>
#include <peerkit/net/http_server.hpp>
#include <peerkit/net/registry_journal.hpp>
#include <peerkit/registry/api.hpp>
#include <peerkit/registry/error.hpp>
#include <peerkit/registry/outbox.hpp>
#include <peerkit/registry/registry_logic.hpp>
#include <peerkit/registry/registry_options.hpp>
#include <peerkit/registry/root_exchange.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/error_code.hpp>
#include <asio/steady_timer.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// What a `registry_server` is made of.
struct registry_config {
    /// Role, network, name and the numbers. A replica without a name is called after its machine and port.
    registry::registry_options options{};
    http_server_options http{}; ///< where to listen; its request limits and `refusal` are the registry's own

    std::string root{};     ///< of a replica: "http://host:port" or "https://host:port"
    std::string ca_file{};  ///< of its root's certificate; empty: what the system trusts
    any_http_client client; ///< of a replica: on the same executor

    registry_storage storage{};    ///< empty: what is registered is forgotten at the end
    registry::saved_state saved{}; ///< what the storage holds at the start
    bool restored = false;         ///< `saved` is an old copy that was brought back
    duration snapshot_interval{};  ///< between two copies of the storage; zero: none
    /// Requests that wait for a change at once, a quarter of them from one source; above it 503. No more than three
    /// quarters of `http.connections`. Replicas are not counted; loopback has no share without `limit_loopback`.
    std::size_t polls = 1'024;
    std::size_t held_bytes = std::size_t{64} << 20U;           ///< of answers that wait for the storage; above it 503
    std::function<void(discovery::notice const&)> on_notice{}; ///< what the operator should know
};

/// A registry of any role: `examples/registry` is one as a program, and a node's process may hold one beside its node.
///
/// - Every answer, reads too, waits until the changes before it are stored, so nobody is told what a crash takes back.
///   Changes that come while the disk is busy are stored together.
/// - While the storage fails, reads go on, writes are refused with `not_durable`, and replicas are told to wait.
/// - Requests that wait for a change hold no thread and are bounded in number.
///
/// Everything happens on `executor`, which must run handlers one at a time; checking a registration takes about 0.2 ms
/// of it. `registry_thread` gives it a thread of its own.
/// @code
/// net::registry_config config;
/// config.options.network = crypto::network_id_of("peerkit");
/// auto registry = net::registry_server::start(executor, std::move(config));
/// if (!registry) return complain(registry.error());
/// print(registry->local());
/// @endcode
class registry_server {
public:
    using logic_type = registry::registry_logic<crypto::ed25519_identity, crypto::secure_rng>;

    /// Listens, takes over what was stored, and serves.
    /// @par Errors those of `registry::check`, `http_server::listen`, `crypto::secure_rng::make`, `no_thread`, and
    /// those of `registry_logic::start`: with what cannot be read, no registry begins
    [[nodiscard]] static result<registry_server> start(asio::any_io_executor const& executor, registry_config config);

    registry_server(registry_server&&) noexcept = default;
    registry_server& operator=(registry_server&& from) noexcept {
        std::swap(state_, from.state_);
        return *this;
    }
    ~registry_server() { stop(); }

    /// Ends everything at once; what was changed is stored before it returns. Called by the destructor, too.
    void stop();

    [[nodiscard]] ip_endpoint local() const;
    [[nodiscard]] std::uint16_t port() const { return local().port; }
    [[nodiscard]] logic_type const& logic() const noexcept;
    [[nodiscard]] http_server_counters http_counters() const;
    /// Has the storage copied now.
    void write_snapshot();

private:
    struct shared;
    explicit registry_server(std::shared_ptr<shared> state) noexcept : state_{std::move(state)} {}

    std::shared_ptr<shared> state_;
};

struct registry_server::shared : std::enable_shared_from_this<shared> {
    using api_type = registry::registry_api<logic_type>;
    using error_code = registry::registry_error;

    /// An answer that waits until the changes up to `number` are stored.
    struct held_answer {
        std::uint64_t number = 0;
        http_responder to;
        registry::api_response response;
    };
    /// A request that waits for a change.
    struct parked_poll {
        http_request request;
        ip_endpoint from;
        http_responder to;
        registry::parked_request until;
    };

    shared(asio::any_io_executor const& on, registry_config with)
        : executor{on}, config{std::move(with)}, timer{on}, snapshot_timer{on} {}

    // ---- Begin and end ---------------------------------------------------------------------------------------------

    [[nodiscard]] result<void> listen() {
        config.http.request.body = registry::max_request_body;
        config.http.refusal = [weak = weak_from_this()](unsigned status, std::string_view) {
            auto const self = weak.lock();
            return self ? self->refusal_of(status) : http_response{503, "application/json", {}, {}};
        };
        auto made = http_server::listen(executor, config.http);
        if (!made) return fail(made.error());
        http.emplace(std::move(*made));
        return {};
    }
    [[nodiscard]] result<void> begin(crypto::secure_rng random) {
        if (config.options.name.empty()) {
            config.options.name = name_of_machine(":" + std::to_string(http->port()));
        }
        if (auto const ok = registry::check(config.options); !ok) return fail(ok.error());
        moment_now = read_clocks();
        logic.emplace(config.options, std::move(random), moment_now.now);
        api.emplace(*logic);
        if (config.options.role != registry::registry_role::root) {
            exchange.emplace(config.options);
        }
        if (config.storage) {
            auto const weak = weak_from_this();
            journal.emplace(executor, std::move(config.storage),
                            registry_journal::handlers{[weak](std::uint64_t number, result<void> const& ok) {
                                                           if (auto const self = weak.lock())
                                                               self->on_stored(number, ok);
                                                       },
                                                       [weak](result<std::string> const& path) {
                                                           if (auto const self = weak.lock()) self->on_snapshot(path);
                                                       }});
            if (auto const ok = journal->started(); !ok) return fail(ok.error());
        }
        if (auto const ok = logic->start(std::move(config.saved), config.restored, moment_now, out); !ok) {
            return fail(ok.error());
        }
        http->serve([weak = weak_from_this()](http_request request, ip_endpoint const& from, http_responder to) {
            if (auto const self = weak.lock()) self->on_request(std::move(request), from, std::move(to));
        });
        settle();
        schedule_snapshot();
        return {};
    }
    void stop() {
        if (stopping->stopped()) return;
        auto const alive = shared_from_this();
        stopping->stop();
        http->stop();
        timer.cancel();
        snapshot_timer.cancel();
        polls.clear();
        held.clear();
        held_bytes = 0;
        tickets.clear();
        journal.reset();
    }

    // ---- Requests --------------------------------------------------------------------------------------------------

    void on_request(http_request request, ip_endpoint const& from, http_responder to) {
        moment_now = read_clocks();
        if (failing && refused_while_failing(request)) {
            return send(std::move(to), refuse(error_code::not_durable, retry_seconds, "storage"));
        }
        answer(std::move(request), from, std::move(to), false);
        settle();
    }
    /// Without storage nothing may change, and nobody may follow what a crash would take back.
    [[nodiscard]] static bool refused_while_failing(http_request const& request) noexcept {
        return request.method == "POST" || request.target.starts_with("/api/changes") ||
               request.target.starts_with("/api/snapshot");
    }
    void answer(http_request request, ip_endpoint const& from, http_responder to, bool waited) {
        registry::api_request const asked{.method = request.method,
                                          .target = request.target,
                                          .headers = request.headers,
                                          .body = request.body,
                                          .source = from.address,
                                          .waited = waited};
        auto what = api->handle(asked, moment_now, out);
        if (auto* const response = std::get_if<registry::api_response>(&what)) {
            answers.emplace_back(std::move(to), std::move(*response));
        } else if (auto const* const ticket = std::get_if<registry::write_ticket>(&what)) {
            tickets.emplace(*ticket, std::move(to));
        } else {
            park({std::move(request), from, std::move(to), std::get<registry::parked_request>(what)});
        }
    }
    [[nodiscard]] bool may_wait(parked_poll const& one) const noexcept {
        if (one.until.replica) return true;
        auto const source = detail::source_of(one.from.address);
        std::size_t all = 0, same = 0;
        for (parked_poll const& other : polls) {
            if (other.until.replica) continue;
            ++all;
            if (detail::source_of(other.from.address) == source) ++same;
        }
        std::size_t const most = std::min(config.polls, config.http.connections / 4 * 3);
        return all < most && (same < std::max<std::size_t>(most / 4, 1) || config.options.exempt(one.from.address));
    }
    void park(parked_poll one) {
        if (!may_wait(one)) std::erase_if(polls, [](parked_poll const& p) { return !p.to.wanted(); });
        if (!may_wait(one)) {
            answers.emplace_back(std::move(one.to), refuse(error_code::busy, retry_seconds, "wait"));
            return;
        }
        polls.push_back(std::move(one));
    }
    /// Answers those who wait for a change that has come, or have waited long enough.
    void wake_polls() {
        auto const state = logic->state();
        std::list<parked_poll> due;
        for (auto at = polls.begin(); at != polls.end();) {
            auto const one = at++;
            if (one->until.state != state || one->until.until <= moment_now.now) due.splice(due.end(), polls, one);
        }
        for (parked_poll& one : due) {
            if (!one.to.wanted()) continue;
            if (failing && refused_while_failing(one.request)) {
                answers.emplace_back(std::move(one.to), refuse(error_code::not_durable, retry_seconds, "storage"));
            } else {
                answer(std::move(one.request), one.from, std::move(one.to), true);
            }
        }
    }

    // ---- What comes of an input ------------------------------------------------------------------------------------

    /// Carries out what the calls before have left in the outbox.
    void settle() {
        logic->poll(moment_now, out);
        wake_polls();
        if (journal && !out.changes.empty()) {
            if (std::uint64_t const number = journal->submit(std::move(out.changes)); number != 0) submitted = number;
        }
        for (registry::late_answer& late : out.answers) {
            auto const found = tickets.find(late.ticket);
            if (found == tickets.end()) continue;
            // A queued write is only here, so it has to be stored; what the root has taken is stored there.
            bool const lost = failing && late.answer && late.answer->queued;
            answers.emplace_back(std::move(found->second),
                                 lost ? refuse(error_code::not_durable, retry_seconds, "storage")
                                      : api->respond(late.answer, moment_now));
            tickets.erase(found);
        }
        auto const requests = std::move(out.requests);
        out.clear();
        for (auto& [to, response] : std::exchange(answers, {})) give(std::move(to), std::move(response));
        for (auto const& one : requests) {
            asio::co_spawn(executor, ask_root(shared_from_this(), one), asio::detached);
        }
        arm();
    }
    /// Sends an answer once everything before it is stored.
    void give(http_responder to, registry::api_response response) {
        if (failing) {
            // What it says may be taken back: nobody should take it for what it names later.
            std::erase_if(response.headers, [](auto const& h) { return h.first == "etag"; });
        } else if (submitted > stored) {
            if (response.body.size() > config.held_bytes - held_bytes) {
                return send(std::move(to), refuse(error_code::busy, retry_seconds, "storage"));
            }
            held_bytes += response.body.size();
            held.push_back({submitted, std::move(to), std::move(response)});
            return;
        }
        send(std::move(to), std::move(response));
    }
    static void send(http_responder to, registry::api_response response) {
        to({response.status, std::move(response.content_type), std::move(response.headers), std::move(response.body)});
    }
    [[nodiscard]] registry::api_response refuse(error_code why, std::uint64_t position, char const* field) {
        return api->refuse(why, position, field, moment_now);
    }
    [[nodiscard]] http_response refusal_of(unsigned status) {
        moment_now = read_clocks();
        auto const why = status == 408   ? error_code::timed_out
                         : status == 413 ? error_code::too_large
                         : status >= 500 ? error_code::busy
                                         : error_code::malformed;
        auto const limit = why == error_code::busy ? retry_seconds : registry::max_request_body;
        auto made = refuse(why, why == error_code::busy || why == error_code::too_large ? limit : 0, "request");
        return {status, std::move(made.content_type), std::move(made.headers), std::move(made.body)};
    }

    void arm() {
        time_point due = logic->next_deadline();
        for (parked_poll const& one : polls) due = std::min(due, one.until.until);
        if (due == armed) return;
        armed = due;
        if (due == never) {
            timer.cancel();
            return;
        }
        timer.expires_at(to_steady(due));
        timer.async_wait([weak = weak_from_this()](asio::error_code ec) {
            auto const self = weak.lock();
            if (ec || !self || self->stopping->stopped()) return;
            self->armed = never;
            self->moment_now = read_clocks();
            self->settle();
        });
    }

    // ---- Storage ---------------------------------------------------------------------------------------------------

    void on_stored(std::uint64_t number, result<void> const& ok) {
        moment_now = read_clocks();
        if (!ok) {
            if (!std::exchange(failing, true)) warn(ok.error(), "the storage fails, writes are refused");
            held_bytes = 0;
            for (held_answer& one : std::exchange(held, {})) {
                send(std::move(one.to), refuse(error_code::not_durable, retry_seconds, "storage"));
            }
            return;
        }
        stored = number;
        if (std::exchange(failing, false)) inform(error{error_code::not_durable}, "the storage works again");
        while (!held.empty() && held.front().number <= stored) {
            held_answer one = std::move(held.front());
            held.pop_front();
            held_bytes -= one.response.body.size();
            send(std::move(one.to), std::move(one.response));
        }
    }
    void schedule_snapshot() {
        if (!journal || config.snapshot_interval <= duration::zero()) return;
        snapshot_timer.expires_after(
            std::chrono::duration_cast<std::chrono::steady_clock::duration>(config.snapshot_interval));
        snapshot_timer.async_wait([weak = weak_from_this()](asio::error_code ec) {
            auto const self = weak.lock();
            if (ec || !self || self->stopping->stopped()) return;
            self->journal->snapshot();
            self->schedule_snapshot();
        });
    }
    void on_snapshot(result<std::string> const& path) {
        if (path) return inform(error{error_code::busy}, "snapshot written: " + *path);
        warn(path.error(), "the snapshot could not be written");
    }

    // ---- The root --------------------------------------------------------------------------------------------------

    [[nodiscard]] static asio::awaitable<void> ask_root(std::shared_ptr<shared> self, registry::root_request what) {
        auto asked = self->exchange->encode(what);
        asked.url = self->config.root;
        asked.ca_file = self->config.ca_file;
        auto const got = co_await self->config.client.request(self->stopping, std::move(asked));
        if (self->stopping->stopped()) co_return;
        self->moment_now = read_clocks();
        bool const was_stale = self->logic->condition(self->moment_now.now).stale;
        auto const done = self->take(what, got);
        if (!done) self->root_failed(done.error());
        if (was_stale && !self->logic->condition(self->moment_now.now).stale) {
            self->inform(error{error_code::root_unavailable}, "the root answers: " + self->config.root);
            self->root_told = {};
        }
        self->settle();
    }
    [[nodiscard]] result<void> take(registry::root_request const& what, result<discovery::http_reply> const& got) {
        if (auto const* const fetch = std::get_if<registry::fetch_changes>(&what)) {
            return logic->on_page(fetch->number, exchange->read_page(got), moment_now, out);
        }
        if (auto const* const write = std::get_if<registry::forward_write>(&what)) {
            return logic->on_forwarded(write->write.number, exchange->read_write(got), moment_now, out);
        }
        auto const& beats = std::get<registry::forward_beats>(what);
        return logic->on_beats_forwarded(beats.number, exchange->read_beats(got), moment_now);
    }
    /// Says each reason once, until the root answers again.
    void root_failed(error const& why) {
        std::string text = why.message();
        if (text == root_told) return;
        root_told = text;
        warn(why, "the root " + config.root + " cannot be followed");
    }

    // ---- Small things ----------------------------------------------------------------------------------------------

    [[nodiscard]] static registry::moment read_clocks() noexcept {
        auto const wall = std::chrono::system_clock::now().time_since_epoch();
        return {system_steady_clock{}.now(), std::chrono::duration_cast<std::chrono::milliseconds>(wall).count()};
    }
    [[nodiscard]] static std::string name_of_machine(std::string const& port) {
        std::array<char, 256> name{};
        if (::gethostname(name.data(), name.size() - 1) != 0) name[0] = '\0';
        return std::string{name.data()}.substr(0, 63 - port.size()) + port;
    }
    void tell(discovery::notice::severity level, error const& what, std::string text) {
        if (config.on_notice) config.on_notice({level, what, std::move(text)});
    }
    void warn(error const& what, std::string text) {
        tell(discovery::notice::severity::warning, what, std::move(text));
    }
    void inform(error const& what, std::string text) { tell(discovery::notice::severity::info, what, std::move(text)); }

    static constexpr std::uint64_t retry_seconds = 2;

    asio::any_io_executor executor;
    registry_config config;
    std::shared_ptr<stop_state> stopping = std::make_shared<stop_state>();
    asio::steady_timer timer;
    asio::steady_timer snapshot_timer;
    time_point armed = never;
    registry::moment moment_now{}; ///< of the input being handled

    std::optional<logic_type> logic;
    std::optional<api_type> api;
    std::optional<registry::root_exchange> exchange; ///< of a replica
    std::optional<registry_journal> journal;
    std::optional<http_server> http;

    registry::registry_outbox out;
    std::vector<std::pair<http_responder, registry::api_response>> answers; ///< of the input being handled
    std::deque<held_answer> held;
    std::size_t held_bytes = 0; ///< of their bodies, never above the cap
    std::list<parked_poll> polls;
    std::map<registry::write_ticket, http_responder> tickets;
    std::uint64_t submitted = 0; ///< number of the last changes given to the journal
    std::uint64_t stored = 0;    ///< of the last that are stored
    bool failing = false;        ///< the storage
    std::string root_told;       ///< the last thing said of the root
};

inline result<registry_server> registry_server::start(asio::any_io_executor const& executor, registry_config config) {
    auto random = crypto::secure_rng::make();
    if (!random) return fail(random.error());
    std::uint16_t const wanted = config.http.port;
    auto const state = std::make_shared<shared>(executor, std::move(config));
    if (auto const ok = state->listen(); !ok) return fail(ok.error());
    if (auto const ok = state->begin(std::move(*random)); !ok) return fail(ok.error());
    if (std::uint16_t const got = state->http->port(); wanted != 0 && got != wanted) {
        state->warn(error{net_error::port_in_use, wanted, "tcp"},
                    "port " + std::to_string(wanted) + " is taken, using " + std::to_string(got));
    }
    return registry_server{state};
}
inline void registry_server::stop() {
    if (state_) state_->stop();
}
inline ip_endpoint registry_server::local() const { return state_->http->local(); }
inline registry_server::logic_type const& registry_server::logic() const noexcept { return *state_->logic; }
inline http_server_counters registry_server::http_counters() const { return state_->http->counters(); }
inline void registry_server::write_snapshot() {
    if (state_->journal) state_->journal->snapshot();
}

} // namespace net
PEERKIT_END_NAMESPACE

#endif
