// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The flags, variables and commands, read with CLI11.
#include "flags.hpp"
#include "settings.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <concepts>
#include <fstream>
#include <string_view>
#include <type_traits>

namespace node_program {
namespace {

using namespace peerkit;

constexpr std::string_view footer = R"(
Every flag of `run` can be given as the environment variable beside it, and in the file that --config names, as a line
`flag = value` without the dashes. A flag wins over its variable, a variable over the file.
The network key is never a flag, because anybody can list those: put it into a file only you can read
(--network-key-file) or into the variable PEERKIT_NETWORK_KEY.

While it runs, members and events are printed on standard output, one line each, and everything else on standard
error. GET /health on the API port tells the same as JSON, to whoever can reach that port. GET /members chooses members:
filter=zone=a,!gpu by labels, others by service, role, capability, name or nearest; explain=ID tells why one is in its
state. GET /entries lists what members have put into their maps (member=ID, prefix=TEXT); PUT and DELETE /entries/KEY
change the map of this one, and are taken from this machine only.
SIGINT or SIGTERM: say goodbye, then stop. A second one: stop at once. SIGUSR1, with --record:
write the record so far.

Exit status: 0 said goodbye and stopped, or did what was asked; 1 could not be done (a port is taken, a file
exists, nobody answers); 2 a flag, variable or file is wrong; 3 stopped by a second signal, without a goodbye.

A network of two on one machine:
  peerkit-node psk net.key
  peerkit-node --network-key-file net.key --name a --port 9000
  peerkit-node --network-key-file net.key --name b --port 9001 --peers 127.0.0.1:9000)";

/// Where in --help an option stands.
struct group {
    CLI::App& app;
    std::string title;
};

template <typename T>
constexpr bool is_list = !std::integral<T> && !std::same_as<T, std::string>;

/// An option that holds a text, a number, or a list of texts between commas.
template <typename T>
CLI::Option* add(group const& in, std::string const& flag, T& into, std::string const& type, std::string const& help,
                 std::string const& variable) {
    auto* const made = in.app.add_option(flag, into, help)->envname(variable)->group(in.title);
    if constexpr (is_list<T>)
        made->delimiter(',');
    else if (into != T{})
        made->capture_default_str();
    return made->type_name(type);
}

/// An option that takes one of a few words.
template <typename T>
void add_choice(group const& in, std::string const& flag, T& into, std::vector<std::pair<std::string, T>> words,
                std::string const& help, std::string const& variable) {
    std::string names;
    for (auto const& word : words) names += (names.empty() ? "" : "|") + word.first;
    auto const parse = [&into, words, flag, names](std::string const& given) {
        auto const found = std::find_if(words.begin(), words.end(), [&](auto const& w) { return w.first == given; });
        if (found == words.end()) throw CLI::ValidationError(flag, "'" + given + "' is not one of " + names);
        into = found->second;
    };
    in.app.add_option_function<std::string>(flag, parse, help)
        ->envname(variable)
        ->type_name(names)
        ->default_str(words.front().first)
        ->group(in.title);
}

void add_run(CLI::App& app, flags& f) {
    group const who{app, "This node"};
    add(who, "--name", f.name, "NAME", "What people call this node (default: the host's name)", "PEERKIT_NAME");
    add(who, "--bind", f.bind, "ADDRESS", "Address to listen on (default: every address of this machine)",
        "PEERKIT_BIND");
    add(who, "--port", f.port, "PORT", "Port of gossip, UDP and TCP alike; 0: any free one", "PEERKIT_PORT");
    add(who, "--api-bind", f.api_bind, "ADDRESS", "Address of the API (default: as --bind)", "PEERKIT_API_BIND");
    add(who, "--api-port", f.api_port, "PORT", "Port of GET /health; if it is taken, the next free one; 0: no API",
        "PEERKIT_API_PORT");
    add(who, "--advertise", f.advertise, "ADDRESS[:PORT]",
        "Where others reach this node, in place of what it finds out by itself; up to 8", "PEERKIT_ADVERTISE");
    add(who, "--role", f.roles, "NAME", "Role of this node; up to 8", "PEERKIT_ROLES");
    add(who, "--capability", f.capabilities, "NAME", "What this node can do; up to 16", "PEERKIT_CAPABILITIES");
    add(who, "--label", f.labels, "KEY=VALUE", "Label of this node; up to 16", "PEERKIT_LABELS");
    add(who, "--service", f.services, "NAME[=PORT[=INFO]]", "Service this node offers; up to 16", "PEERKIT_SERVICES");
    add(who, "--identity-file", f.identity_file, "FILE",
        "File of this node's identity, made if it is missing (default: identity.key in --state-dir; without either a "
        "new identity)",
        "PEERKIT_IDENTITY_FILE");

    group const net{app, "The network"};
    add(net, "--network", f.network, "NAME", "Name of the network; nodes of another one understand nothing",
        "PEERKIT_NETWORK");
    add(net, "--network-key-file", f.key_file, "FILE", "File of the key all members have, as `psk` makes it",
        "PEERKIT_NETWORK_KEY_FILE");
    app.add_flag("--open-network", f.open_network, "A network without a key: anybody may join and listen")
        ->envname("PEERKIT_OPEN_NETWORK")
        ->group(net.title);
    add_choice(net, "--profile", f.profile, {{"lan", &gossip::lan}, {"wan", &gossip::wan}, {"local", &gossip::local}},
               "Timing for a local network, across sites, or for one machine", "PEERKIT_PROFILE");

    group const find{app, "Finding peers"};
    add(find, "--discover", f.discover, "MODE,...",
        "How to find peers: static, file, environment, tailscale, dns_pattern, mdns, registry, none; with several, "
        "each is "
        "asked "
        "if those before found nobody (default: static; with --domain or --registry: registry)",
        "PEERKIT_DISCOVERY_MODE");
    add(find, "--strategy", f.strategy, "TEXT",
        "In place of --discover: any strategy as text, such as 'first_of(tailscale tag=tag:db, mdns) keep=1h'; see "
        "docs/providers.md and peerkit-discover",
        "PEERKIT_STRATEGY");
    add(find, "--peers", f.peers, "PEER,...", "The static list: host, host:port, IPv4, [IPv6]:port", "PEERKIT_PEERS");
    add(find, "--peers-file", f.peers_file, "FILE", "With mode file: peers, one to a line; watched for changes",
        "PEERKIT_PEERS_FILE");
    add(find, "--peer-port", f.peer_port, "PORT", "Port of peers that are listed, or found, without one",
        "PEERKIT_PEER_PORT")
        ->check(CLI::Range(1, 65535));
    add(find, "--prefix", f.prefix, "PATTERN",
        "Tailscale: machines named like this; with '*' or '?' a pattern, else a prefix (default: every machine). "
        "dns_pattern: what stands before the number; or all of 'node*.example.org'",
        "PEERKIT_HOSTNAME_PREFIX");
    add(find, "--dns-domain", f.domain, "DOMAIN", "dns_pattern: what stands behind the number", "PEERKIT_DNS_DOMAIN");
    add(find, "--dns-server", f.name_servers, "HOST:PORT,...",
        "Name servers to ask (through c-ares) in place of the system's resolver", "PEERKIT_DNS_SERVER");
    add(find, "--tag", f.tag, "TAG", "Tailscale: only machines with this tag", "PEERKIT_TAILSCALE_TAG");
    add(find, "--tailscale-socket", f.tailscale_sockets, "PATH",
        "Tailscale: LocalAPI socket. If this, a command or a file is given, only what is given is asked, in this order",
        "PEERKIT_TAILSCALE_SOCKET");
    add(find, "--tailscale-command", f.tailscale_commands, "PROGRAM", "Tailscale: program to run with `status --json`",
        "PEERKIT_TAILSCALE_COMMAND");
    add(find, "--tailscale-file", f.tailscale_file, "FILE", "Tailscale: a status document", "PEERKIT_TAILSCALE_FILE");
    add(find, "--domain", f.registry_domain, "DOMAIN",
        "Meet at registries: every address of tnr.DOMAIN is one, after an integrated one on this machine",
        "PEERKIT_DOMAIN");
    add(find, "--registry", f.registries, "SERVER,...", "Registries: host, host:port, https://host:port",
        "PEERKIT_REGISTRY");
    add_choice(find, "--registry-protocol", f.registry_protocol,
               {{"registry", "registry"}, {"etcd", "etcd"}, {"consul", "consul"}},
               "What registries speak: peerkit's own protocol, etcd's, Consul's", "PEERKIT_REGISTRY_PROTOCOL");
    add(find, "--serve-registry", f.serve_registry, "ROLE",
        "Also be a registry, kept in the state directory: root, secondary, or integrated (for this machine only)",
        "PEERKIT_SERVE_REGISTRY");
    add(find, "--registry-root", f.registry_root, "URL", "With --serve-registry, of a replica: where its root is",
        "PEERKIT_REGISTRY_ROOT");
    add(find, "--registry-port", f.registry_port, "PORT",
        "With --serve-registry: its port; if it is taken, the next free one", "PEERKIT_REGISTRY_PORT");
    add(find, "--registry-token-file", f.registry_token_file, "FILE", "File of the token that registries want to see",
        "PEERKIT_REGISTRY_TOKEN_FILE");
    add(find, "--registry-ca-file", f.registry_ca_file, "FILE", "Certificates to trust, PEM (default: the system's)",
        "PEERKIT_REGISTRY_CA_FILE");
    add(find, "--translate", f.translations, "ADDRESS=ADDRESS[:PORT]",
        "Where a found address is really reached: behind address translation, or published ports of containers",
        "PEERKIT_TRANSLATE");

    group const print{app, "Output and state"};
    add(print, "--state-dir", f.state_directory, "DIRECTORY",
        "Directory, made if missing, of what has to survive a restart", "PEERKIT_STATE_DIR");
    add(print, "--record", f.record_file, "FILE",
        "Record what this node sees, and write it there when it stops, and on SIGUSR1. There is no key in it, but all "
        "that was said",
        "PEERKIT_RECORD");
    add(print, "--record-size", f.record_size, "MIB", "Memory for it; when it is full, the oldest gives way",
        "PEERKIT_RECORD_SIZE");
    add_choice(print, "--store", f.store,
               {{"auto", store_kind::usual},
                {"file", store_kind::file},
                {"sqlite", store_kind::sqlite},
                {"memory", store_kind::memory},
                {"none", store_kind::none}},
               "How peers and the last incarnation are kept there; auto: in files, if there is a --state-dir",
               "PEERKIT_STORE");
    add_choice(print, "--format", f.format, {{"text", output_format::text}, {"json", output_format::json}},
               "Of the lines on standard output", "PEERKIT_FORMAT");
    add_choice(print, "--log-level", f.level,
               {{"info", log_level::info},
                {"debug", log_level::debug},
                {"warning", log_level::warning},
                {"error", log_level::error}},
               "Least important of the lines on standard error", "PEERKIT_LOG_LEVEL");
}

/// Takes from the file whatever neither a flag nor a variable has said.
void read_config(CLI::App& run, std::string const& path) {
    std::ifstream file{path};
    if (!file) refuse("--config '" + path + "': cannot be read");
    for (CLI::ConfigItem const& line : CLI::ConfigTOML{}.from_config(file)) {
        if (line.name == "++" || line.name == "--") continue; // CLI11's marks where a section begins and ends
        CLI::Option* const option = line.parents.empty() ? run.get_option_no_throw("--" + line.name) : nullptr;
        if (option == nullptr || line.name == "config") {
            refuse("--config '" + path + "': '" + line.fullname() + "' is not the name of a flag of `run`");
        }
        if (option->count() != 0) continue;
        if (option->get_expected_max() == 0)
            option->add_result(option->get_flag_value(line.name, line.inputs.empty() ? "true" : line.inputs.front()));
        else
            option->add_result(line.inputs);
        option->run_callback();
    }
}

} // namespace

command parse(int argc, char** argv) {
    CLI::App app{"A node of a peerkit network: finds its peers, knows which of them are alive, prints what happens."};
    app.name("peerkit-node");
    app.set_help_flag();
    app.set_help_all_flag("-h,--help", "Print this and exit");
    app.set_version_flag("--version", program_version());
    app.footer(std::string{footer});
    app.require_subcommand(1);

    flags f;
    command c;
    auto& run = *app.add_subcommand("run", "Run a node (this is also what happens without a command)");
    add_run(run, f);
    std::string config;
    add({run, "Output and state"}, "--config", config, "FILE", "File with flags", "PEERKIT_CONFIG");
    auto& keygen =
        *app.add_subcommand("keygen", "Make an identity file that only its owner can read; print the identity");
    keygen.add_option("file", c.file, "The file; never overwritten")->required();
    auto& psk =
        *app.add_subcommand("psk", "Make a network key: print its 64 digits, or write a file only its owner can read");
    psk.add_option("file", c.file, "The file; never overwritten");
    auto& status = *app.add_subcommand("status", "Print what GET /health of a node says; exit status 0 if it is well");
    status.add_option("api", c.api, "The node's API")->default_str("127.0.0.1:8000")->type_name("HOST[:PORT]");

    // Without a command, `run` is meant; what is for the whole program stays.
    std::vector<std::string> words(argv + 1, argv + argc);
    bool const flag_first = words.empty() || (words[0].starts_with("-") && words[0] != "-h" && words[0] != "--help" &&
                                              words[0] != "--version");
    if (flag_first)
        words.insert(words.begin(), "run");
    else if (!words[0].starts_with("-") &&
             app.get_subcommands([&](CLI::App const* one) { return one->get_name() == words[0]; }).empty()) {
        refuse("'" + words[0] + "' is not one of run, keygen, psk, status");
    }
    std::reverse(words.begin(), words.end()); // as CLI11 wants them
    try {
        app.parse(words);
        if (!config.empty()) read_config(run, config);
    } catch (CLI::CallForAllHelp const&) {
        c.text = app.help("", CLI::AppFormatMode::All);
        return c;
    } catch (CLI::CallForHelp const&) {
        c.text = app.help();
        return c;
    } catch (CLI::CallForVersion const& e) {
        c.text = std::string{e.what()} + "\n";
        return c;
    } catch (CLI::ParseError const& e) {
        refuse(std::string{e.what()});
    }
    if (keygen.parsed())
        c.what = command::kind::keygen;
    else if (psk.parsed())
        c.what = command::kind::psk;
    else if (status.parsed())
        c.what = command::kind::status;
    else {
        c.what = command::kind::run;
        c.run = check(std::move(f));
    }
    if (c.api.empty()) c.api = "127.0.0.1:8000";
    return c;
}

} // namespace node_program
