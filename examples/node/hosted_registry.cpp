// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The registry beside the node: its configuration, and its database in the state directory.
#include "hosted_registry.hpp"

#include <peerkit/crypto/network_name.hpp>
#include <peerkit/net/registry_thread.hpp>
#ifdef PEERKIT_NODE_HAS_HTTP
#    include <peerkit/net/http_client.hpp>
#endif
#ifdef PEERKIT_NODE_HAS_SQLITE
#    include <peerkit/store/registry_database.hpp>
#endif

#include <algorithm>
#include <fstream>
#include <span>
#include <utility>

namespace node_program {

using namespace peerkit;

namespace {

std::string read_token(std::string const& path) {
    std::ifstream file{path};
    std::string token;
    if (!file || !std::getline(file, token))
        refuse("--registry-token-file '" + path + "': cannot be read, or is empty");
    while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) token.pop_back();
    bool const clean = std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    if (!clean || token.size() < 16) {
        refuse("--registry-token-file '" + path + "': the first line has to be 16 characters or more, without blanks");
    }
    return token;
}

void open_database(std::string const& directory, net::registry_config& config) {
#ifdef PEERKIT_NODE_HAS_SQLITE
    if (directory.empty()) return;
    std::string const path = directory + "/registry.sqlite";
    auto opened = store::registry_database::open(path);
    if (!opened) throw refusal{exit_failed, "--serve-registry: '" + path + "': " + opened.error().message()};
    auto const db = std::make_shared<store::registry_database>(std::move(*opened));
    auto state = db->load();
    if (!state) throw refusal{exit_failed, "--serve-registry: '" + path + "': " + state.error().message()};
    config.saved = std::move(*state);
    config.storage.apply = [db](std::span<registry::durable_change const> changes) { return db->apply(changes); };
#else
    static_cast<void>(directory);
    static_cast<void>(config);
#endif
}

} // namespace

std::optional<registry_settings> check_registry(flags const& f) {
    if (f.serve_registry.empty()) {
        if (!f.registry_root.empty()) refuse("--registry-root: is of use with --serve-registry only");
        return std::nullopt;
    }
    registry_settings s;
    auto const role = registry::parse_role(f.serve_registry);
    if (!role) refuse("--serve-registry '" + f.serve_registry + "' is not one of root, secondary, integrated");
    s.role = *role;
    s.root = f.registry_root;
    s.ca_file = f.registry_ca_file;
    s.port = f.registry_port;
    bool const replica = *role != registry::registry_role::root;
    if (replica && s.root.empty()) refuse("--registry-root: a replica needs to know where its root is");
    if (!replica && !s.root.empty()) refuse("--registry-root: a root has none");
    if (replica && !s.root.starts_with("http://") && !s.root.starts_with("https://")) {
        refuse("--registry-root '" + s.root + "': has to begin with http:// or https://");
    }
    if (replica && f.registry_token_file.empty())
        refuse("--registry-token-file: a replica needs the token of its root");
    if (!f.registry_token_file.empty()) s.token = read_token(f.registry_token_file);
    return s;
}

struct hosted_registry::state {
    std::optional<net::registry_thread> registry;
    std::string role;
};

hosted_registry::hosted_registry(run_settings const& settings, std::function<void(discovery::notice const&)> tell)
    : state_{std::make_unique<state>()} {
    registry_settings const& wanted = *settings.registry;
    state_->role = registry::to_string(wanted.role);
    auto made = net::registry_thread::start([&](asio::any_io_executor const& executor) {
        net::registry_config config;
        config.options.role = wanted.role;
        config.options.network = crypto::network_id_of(settings.network);
        config.options.token = wanted.token;
        bool const integrated = wanted.role == registry::registry_role::integrated;
        config.http.address = integrated ? ip_address::v4(127, 0, 0, 1) : settings.bind;
        config.http.port = wanted.port;
        config.root = wanted.root;
        config.ca_file = wanted.ca_file;
#ifdef PEERKIT_NODE_HAS_HTTP
        if (!wanted.root.empty()) config.client = net::http_client{executor};
#else
        static_cast<void>(executor);
#endif
        config.on_notice = std::move(tell);
        open_database(settings.state_directory, config);
        return config;
    });
    if (!made) throw refusal{exit_failed, "--serve-registry: " + made.error().message()};
    state_->registry.emplace(std::move(*made));
    port_ = state_->registry->local().port;
}
hosted_registry::~hosted_registry() = default;

std::string hosted_registry::describe() const {
    return state_->role + " registry on " + state_->registry->local().to_string();
}

void look_first_at(std::uint16_t port, discovery::provider_text& strategy) {
    for (discovery::provider_text& part : strategy.parts) look_first_at(port, part);
    auto const said = [](discovery::provider_option const& one) { return one.key == "remembered"; };
    if (strategy.name != "registry" || std::any_of(strategy.options.begin(), strategy.options.end(), said)) return;
    strategy.options.push_back({"remembered", "127.0.0.1:" + std::to_string(port)});
}

} // namespace node_program
