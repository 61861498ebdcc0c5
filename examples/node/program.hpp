// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Runs one node until a signal ends it: everything that depends on the type of the node.
#ifndef PEERKIT_NODE_PROGRAM_HPP
#define PEERKIT_NODE_PROGRAM_HPP

#include "api_server.hpp"
#include "find_peers.hpp"
#include "health.hpp"
#include "hosted_registry.hpp"
#include "member_choice.hpp"
#include "memory.hpp"
#include "record_file.hpp"
#include "report.hpp"
#include "settings.hpp"

#include <peerkit/gossip/flight_recorder.hpp>
#include <peerkit/net/node.hpp>
#include <peerkit/net/recorded_node.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <csignal>
#include <cstring>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace node_program {

/// Both functions run a node to its end. @returns the exit code. @throws refusal
int run_sealed(run_settings settings);
int run_open(run_settings settings);

/// A node with all that belongs to it. Everything but `api_`'s threads happens in `loop_.run()`, on one thread.
template <typename Node>
class program {
public:
    explicit program(run_settings settings)
        : network_{settings.network}, open_{!settings.key}, reporter_{settings.format, settings.level},
          record_file_{settings.record_file}, node_{make_node(settings)} {}

    int run() {
        std::signal(SIGPIPE, SIG_IGN); // nobody reads what is printed: no reason to leave the network
        await_signal();
        if (recorder_) await_record_signal();
        reporter_.remember(node_.id(), name_);
        node_.on_event([this](peerkit::gossip::event const& what) { on_event(what); });
        node_.on_notice([this](peerkit::discovery::notice const& told) { reporter_.notice(told); });
        reporter_.log(log_level::info, "node " + name_ + " " + node_.id().to_string() + " listens on " +
                                           node_.local().to_string() + (open_ ? ", open network '" : ", network '") +
                                           network_ + "'" +
                                           (api_ ? ", API on port " + std::to_string(api_->port()) : ""));
        tell_memory();
        if (auto const ok = node_.start(); !ok)
            throw refusal{exit_bad_usage, "the node does not start: " + ok.error().message()};
        schedule_members();
        if (api_) {
            api_->serve({"/health", "/members", "/entries"}, entries_below,
                        [this](api_request asked) { return ask_loop(std::move(asked)); });
        }
        loop_.run();
        if (api_) api_->stop();
        if (recorder_ && !write_recording() && code_ == exit_ok) code_ = exit_failed;
        return code_;
    }

private:
    using clock = std::chrono::steady_clock;
    inline static std::string const entries_below = "/entries/";

    using node_type = peerkit::net::recorded<Node>; // without --record its recorder is null

    node_type make_node(run_settings& settings) {
        if (!settings.record_file.empty()) recorder_.emplace(settings.record_bytes);
        if (settings.registry) host_registry(settings);
        peerkit::net::node_config config;
        config.discovery = make_strategy(settings);
        config.link = make_link(settings);
        config.resolver = make_resolver(loop_.get_executor(), settings);
        config.http = make_http(loop_.get_executor(), settings);
        config.network = settings.network;
        config.key = std::move(settings.key);
        config.identity = std::move(settings.identity);
        config.listen.address = settings.bind;
        config.listen.port = settings.port;
        config.tunables = settings.tunables;
        config.store = make_store(settings);
        config.self = std::move(settings.self);
        if (settings.api_port != 0) {
            open_api(settings);
            config.self.api_port = api_->port();
        }
        auto made = peerkit::net::create_recorded<Node>(loop_.get_executor(), std::move(config),
                                                        recorder_ ? &*recorder_ : nullptr);
        if (made) {
            name_ = made->self().name;
            return std::move(*made);
        }
        if (made.error().domain() == "store")
            throw refusal{exit_failed, "--state-dir " + settings.state_directory + ": " + made.error().message()};
        bool const port = made.error() == peerkit::net::net_error::port_in_use;
        bool const bind = made.error() == peerkit::net::net_error::bind_failed;
        std::string const flag = port   ? "--port " + std::to_string(settings.port)
                                 : bind ? "--bind " + settings.bind.to_string()
                                        : "the node cannot be made";
        throw refusal{exit_failed, flag + ": " + made.error().message()};
    }
    /// Before the node, whose strategy is to look there.
    void host_registry(run_settings& settings) {
        registry_.emplace(settings, [this](peerkit::discovery::notice const& told) {
            asio::post(loop_, [this, told] { reporter_.notice(told); });
        });
        if (registry_->port() != settings.registry->port) look_first_at(registry_->port(), settings.discovery.strategy);
        reporter_.log(log_level::info, registry_->describe());
    }
    void open_api(run_settings const& settings) {
        peerkit::ip_address const wanted = settings.api_bind.value_or(settings.bind);
        peerkit::ip_address const address = wanted ? wanted : peerkit::ip_address::v4(0, 0, 0, 0);
        api_.emplace(address, settings.api_port, settings.api_bind ? "--api-bind" : "--bind");
        if (api_->port() != settings.api_port) {
            reporter_.log(log_level::warning, "--api-port " + std::to_string(settings.api_port) + " is taken, using " +
                                                  std::to_string(api_->port()));
        }
    }

    void tell_memory() {
        auto const memory = node_.memory();
        if (memory.store == "none") return;
        reporter_.log(log_level::info, "remembers " + std::to_string(memory.recalled) + " peers of an earlier life (" +
                                           memory.store + ")");
    }
    void on_event(peerkit::gossip::event const& what) {
        using peerkit::gossip::event_kind;
        if (what.subject) {
            if (auto const member = node_.find(what.subject)) reporter_.remember(what.subject, member->name);
        }
        reporter_.event(what);
        switch (what.kind) {
        case event_kind::member_up:
        case event_kind::member_updated:
        case event_kind::member_suspected:
        case event_kind::member_refuted:
        case event_kind::member_dead:
        case event_kind::member_left:
        case event_kind::member_removed: return schedule_members();
        default: return;
        }
    }
    /// Prints the members soon: once for all changes that come together.
    void schedule_members() {
        if (members_due_) return;
        members_due_ = true;
        members_timer_.expires_after(std::chrono::milliseconds{200});
        members_timer_.async_wait([this](asio::error_code ec) {
            members_due_ = false;
            if (!ec) reporter_.members(node_.members());
        });
    }

    /// Called by the API's threads: has the loop write the document.
    std::future<api_answer> ask_loop(api_request asked) {
        auto const promise = std::make_shared<std::promise<api_answer>>();
        asio::post(loop_, [this, promise, asked = std::move(asked)] {
            promise->set_value(asked.path == "/health"    ? tell_health()
                               : asked.path == "/members" ? tell_members(asked)
                               : asked.path == "/entries" ? tell_entries(asked)
                                                          : change_entry(asked));
        });
        return promise->get_future();
    }
    api_answer tell_health() const {
        health h{node_.running() && !leaving_, network_,      open_, {}, node_.counters(), node_.members(),
                 node_.candidates(),           node_.memory()};
        h.uptime = std::chrono::duration_cast<std::chrono::seconds>(clock::now() - started_);
        return {h.well ? 200 : 503, to_json(h)};
    }
    api_answer tell_members(api_request const& asked) const {
        auto const choice = member_choice::of(asked.parameters);
        if (!choice) return {400, error_document(choice.error())};
        if (choice->explain) {
            auto const why = node_.explain(choice->explain);
            return why ? api_answer{200, to_json(*why)} : api_answer{404, error_document("this member is not known")};
        }
        return {200, to_json(choice->nearest != 0 ? node_.nearest(choice->nearest, choice->query)
                                                  : node_.members(choice->query))};
    }
    /// GET /entries?member=ID&prefix=TEXT, both optional.
    api_answer tell_entries(api_request const& asked) const {
        std::string prefix;
        peerkit::node_id member;
        for (auto const& [key, value] : asked.parameters) {
            if (key == "prefix") {
                prefix = value;
            } else if (key == "member") {
                auto const id = peerkit::node_id::parse(value);
                if (!id || !*id) return {400, error_document("member: '" + value + "' is not a node id")};
                member = *id;
            } else {
                return {400, error_document("there is no parameter '" + key + "'")};
            }
        }
        if (member && !node_.find(member)) return {404, error_document("this member is not known")};
        auto found = node_.entries_with(prefix);
        if (member) std::erase_if(found, [&](auto const& e) { return e.owner != member; });
        return {200, to_json(found)};
    }
    /// PUT and DELETE /entries/KEY.
    api_answer change_entry(api_request const& asked) {
        std::string const key = asked.path.substr(entries_below.size());
        auto const done = asked.method == "PUT" ? node_.put(key, peerkit::as_bytes(asked.body)) : node_.erase(key);
        if (done) return {200, R"({"status":"ok"})"};
        return {done.error() == peerkit::core_error::not_found ? 404 : 400, error_document(done.error().message())};
    }

    void await_signal() {
        signals_.async_wait([this](asio::error_code ec, int) {
            if (ec) return;
            if (leaving_) {
                reporter_.log(log_level::warning, "stopped without a goodbye");
                code_ = exit_hurried;
                node_.stop();
                return end();
            }
            leaving_ = true;
            reporter_.log(log_level::info, "leaving; once more to stop at once");
            asio::co_spawn(loop_, node_.leave(), [this](std::exception_ptr) { end(); });
            await_signal();
        });
    }
    void await_record_signal() {
        record_signal_.add(SIGUSR1);
        record_signal_.async_wait([this](asio::error_code ec, int) {
            if (ec) return;
            (void)write_recording();
            await_record_signal();
        });
    }
    bool write_recording() {
        if (int const code = write_record(record_file_, recorder_->dump()); code != 0) {
            reporter_.log(log_level::error, "--record " + record_file_ + ": " + std::strerror(code));
            return false;
        }
        std::string const inputs = std::to_string(recorder_->inputs());
        reporter_.log(log_level::info,
                      "recorded in " + record_file_ + ": " +
                          (recorder_->complete() ? "all " + inputs + " inputs"
                                                 : "the latest of " + inputs + " inputs, the first " +
                                                       std::to_string(recorder_->dropped()) + " did not fit"));
        return true;
    }
    void end() {
        asio::error_code ignored;
        signals_.cancel(ignored);
        record_signal_.cancel(ignored);
        members_timer_.cancel();
    }

    asio::io_context loop_{1};
    asio::signal_set signals_{loop_, SIGINT, SIGTERM}; ///< caught from the beginning
    asio::signal_set record_signal_{loop_};
    asio::steady_timer members_timer_{loop_};
    bool members_due_ = false;
    bool leaving_ = false;
    int code_ = exit_ok;
    clock::time_point started_ = clock::now();
    std::string network_;
    bool open_;
    std::string name_;
    reporter reporter_;
    std::string record_file_;
    std::optional<peerkit::gossip::flight_recorder> recorder_;
    std::optional<hosted_registry> registry_; ///< outlives the node, which takes itself out there
    std::optional<api_server> api_;
    node_type node_;
};

} // namespace node_program

#endif
