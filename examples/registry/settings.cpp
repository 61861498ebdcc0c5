// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The flags, read with CLI11.
#include "settings.hpp"

#include <peerkit/core/error.hpp>
#include <peerkit/crypto/network_name.hpp>
#include <peerkit/crypto/sodium.hpp>
#include <peerkit/detail/config.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <fstream>
#include <string_view>
#include <utility>

namespace registry_program {
namespace {

using namespace peerkit;

constexpr std::string_view footer = R"(
One root and any number of replicas:
  peerkit-registry --db root.db --snapshots backups --token-file token
  peerkit-registry --role secondary --root http://root.example.org:8000 --token-file token --db replica.db
  curl http://localhost:8000/api/nodes

Nodes find registries as the addresses of tnr.DOMAIN, port 8000, and register there. A registry sees what nodes announce
and no key of the network.

Exit status: 0 stopped by a signal; 1 something could not be done; 2 a flag, a variable or a file they name is wrong.)";

[[noreturn]] void refuse(std::string const& sentence) { throw refusal{exit_bad_usage, sentence}; }

std::string read_token(std::string const& path) {
    std::ifstream file{path};
    std::string token;
    if (!file || !std::getline(file, token)) refuse("--token-file '" + path + "': cannot be read, or is empty");
    while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) token.pop_back();
    bool const clean = std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    if (!clean || token.size() < 16) {
        refuse("--token-file '" + path + "': the first line has to be 16 characters or more, without blanks");
    }
    return token;
}

} // namespace

settings parse(int argc, char** argv) {
    CLI::App app{"A registry: nodes that multicast, overlays and guessed names do not bring together meet here."};
    app.name("peerkit-registry");
    app.footer(std::string{footer});
    app.set_version_flag("--version", "peerkit-registry " + std::to_string(PEERKIT_VERSION_MAJOR) + "." +
                                          std::to_string(PEERKIT_VERSION_MINOR) + "." +
                                          std::to_string(PEERKIT_VERSION_PATCH));
    settings s;
    std::string role = "root", bind, network = "peerkit", token_file;
    unsigned heartbeat = 30, expire = 600, interval = 3600, refresh = 60;
    app.add_option("--role", role, "root (the authority), secondary (a public replica) or integrated (a private one)")
        ->type_name("ROLE")
        ->capture_default_str()
        ->envname("PEERKIT_REGISTRY_ROLE");
    app.add_option("--root", s.root, "Of a replica: where its root is")
        ->type_name("URL")
        ->envname("PEERKIT_REGISTRY_ROOT");
    app.add_option("--name", s.options.name, "Of this registry among the replicas of a root [host:port]")
        ->type_name("NAME")
        ->envname("PEERKIT_REGISTRY_NAME");
    app.add_option("--bind", bind, "Address to listen on [every address, IPv4 and IPv6]")
        ->type_name("ADDRESS")
        ->envname("PEERKIT_REGISTRY_BIND");
    app.add_option("--port", s.port, "Port to listen on; if it is taken, the next one that is free")
        ->type_name("PORT")
        ->capture_default_str()
        ->envname("PEERKIT_REGISTRY_PORT");
    app.add_option("--network", network, "Name of the network whose nodes may register")
        ->type_name("NAME")
        ->capture_default_str()
        ->envname("PEERKIT_NETWORK");
    app.add_option("--token-file", token_file, "File with the secret that the registries of a root share")
        ->type_name("FILE")
        ->envname("PEERKIT_REGISTRY_TOKEN_FILE");
    app.add_option("--ca-file", s.ca_file, "Of a replica: certificates that its root's is checked against")
        ->type_name("FILE")
        ->envname("PEERKIT_REGISTRY_CA_FILE");
    app.add_option("--db", s.database, "SQLite database of everything that has to survive a restart [none]")
        ->type_name("FILE")
        ->envname("PEERKIT_REGISTRY_DB");
    app.add_option("--snapshots", s.snapshots, "Directory of copies of the database [none]")
        ->type_name("DIRECTORY")
        ->envname("PEERKIT_REGISTRY_SNAPSHOTS");
    app.add_option("--snapshot-interval", interval, "Between two copies")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 31'536'000))
        ->capture_default_str();
    app.add_option("--snapshots-kept", s.snapshots_kept, "Older copies are removed")
        ->type_name("NUMBER")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    app.add_option("--restore", s.restore, "Begin with this copy in place of what the database holds")
        ->type_name("FILE");
    app.add_option("--heartbeat", heartbeat, "Between two heartbeats of a node; three missed, and it is offline")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 3600))
        ->capture_default_str();
    app.add_option("--expire", expire, "A node that is offline is forgotten after this")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 31'536'000))
        ->capture_default_str();
    app.add_option("--refresh", refresh, "Of a replica: fetch changes so often where the root answers no long polls")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 86'400))
        ->capture_default_str();
    app.add_flag("--limit-loopback", s.options.limit_loopback,
                 "Limit requests from this machine like others: for a registry behind a proxy here");
    app.add_flag("--quiet", s.quiet, "Print warnings and errors only");
    try {
        app.parse(argc, argv);
    } catch (CLI::CallForHelp const&) {
        s.print = app.help();
        return s;
    } catch (CLI::CallForVersion const& e) {
        s.print = std::string{e.what()} + "\n";
        return s;
    } catch (CLI::ParseError const& e) {
        refuse(e.what());
    }

    auto const parsed = registry::parse_role(role);
    if (!parsed) refuse("--role '" + role + "' is not one of root, secondary, integrated");
    s.options.role = *parsed;
    bool const replica = *parsed != registry::registry_role::root;
    if (replica && s.root.empty()) refuse("--root: a replica needs to know where its root is");
    if (!replica && !s.root.empty()) refuse("--root: a root has none; was --role secondary meant?");
    if (replica && token_file.empty()) refuse("--token-file: a replica needs the token of its root");
    if (replica && !s.root.starts_with("http://") && !s.root.starts_with("https://")) {
        refuse("--root '" + s.root + "': has to begin with http:// or https://");
    }
    while (s.root.ends_with('/')) s.root.pop_back();
    if (!bind.empty()) {
        auto const address = ip_address::parse(bind);
        if (!address) refuse("--bind '" + bind + "': " + address.error().message());
        s.address = *address;
    }
    if (!crypto::ensure_sodium()) throw refusal{exit_failed, "libsodium does not work here"};
    s.options.network = crypto::network_id_of(network);
    if (!token_file.empty()) s.options.token = read_token(token_file);
    if (s.database.empty() && !(s.snapshots.empty() && s.restore.empty())) {
        refuse("--snapshots and --restore need --db");
    }
    s.options.heartbeat_interval = std::chrono::seconds{heartbeat};
    s.options.beat_interval = std::min<duration>(s.options.beat_interval, s.options.heartbeat_interval);
    s.options.expire_after = std::chrono::seconds{expire};
    s.options.refresh_interval = std::chrono::seconds{refresh};
    s.snapshot_interval = std::chrono::seconds{interval};
    return s;
}

} // namespace registry_program
