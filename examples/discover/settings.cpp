// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The flags, read with CLI11.
#include "settings.hpp"

#include <peerkit/detail/config.hpp>
#include <peerkit/registry/make_strategy.hpp>

#include <CLI/CLI.hpp>

#include <string_view>

namespace discover_program {
namespace {

using namespace peerkit;

constexpr std::string_view footer = R"(
A strategy is a provider with its options, or a list of strategies (--providers lists them all):
  peerkit-discover "static peers=db1.example.org,192.0.2.7:9100"
  peerkit-discover "first_of(tailscale tag=tag:db timeout=5s, dns_pattern prefix=node domain=example.org) keep=1h"
  peerkit-discover --watch "file path=/etc/peers"

Exit status: 0 somebody was found; 1 nobody was found, or it could not be known; 2 a flag or the strategy is wrong.)";

std::string kind_of(discovery::provider_key const& key) {
    using enum discovery::option_kind;
    switch (key.kind) {
    case text: return "TEXT";
    case list: return "NAME,...";
    case words: return "WORD ...";
    case port: return "PORT";
    case number: return "NUMBER";
    case time: return "TIME";
    case flag: return "yes|no";
    case choice: return key.choices;
    }
    return {};
}
void print_key(discovery::provider_key const& key, std::string& into) {
    std::string const left = "    " + std::string{key.name} + "=" + kind_of(key);
    into += left + std::string(left.size() < 44 ? 44 - left.size() : 1, ' ') + key.help +
            (key.required ? " (required)\n" : "\n");
}
std::string list_providers() {
    std::string text;
    discovery::provider_table const table = registry::standard_providers();
    for (auto const& one : table.providers()) {
        std::string const name = one.schema.name + std::string{one.schema.is_list ? "(..., ...)" : ""};
        text += name + std::string(name.size() < 22 ? 22 - name.size() : 1, ' ') + one.schema.help +
                (one.schema.unsupported != nullptr ? " (not in this version)\n" : "\n");
        for (auto const& key : one.schema.keys) print_key(key, text);
    }
    text += "every one of them\n";
    for (auto const& key : discovery::provider_modifiers) print_key(key, text);
    return text +
           "A TIME is a number and ms, s, m or h. Values with blanks or parentheses, and inside of parentheses with\n"
           "commas, are written in double quotes.\n";
}

} // namespace

settings parse(int argc, char** argv) {
    CLI::App app{
        "Asks a discovery strategy of peerkit for peers, as a node would, and prints what it finds, from where, in "
        "how many milliseconds, and why anybody was left out."};
    app.name("peerkit-discover");
    app.footer(std::string{footer});
    app.set_version_flag("--version", "peerkit-discover " + std::to_string(PEERKIT_VERSION_MAJOR) + "." +
                                          std::to_string(PEERKIT_VERSION_MINOR) + "." +
                                          std::to_string(PEERKIT_VERSION_PATCH));
    settings s;
    double timeout = 30, interval = 60;
    bool providers = false;
    app.add_option("strategy,--strategy", s.strategy, "The strategy as text")
        ->type_name("TEXT")
        ->envname("PEERKIT_STRATEGY");
    app.add_flag("--watch", s.watch, "Look again and again, at once when something that a strategy watches changes");
    app.add_option("--interval", interval, "With --watch: between two runs, at most")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.01, 86400.0))
        ->capture_default_str();
    app.add_flag("--json", s.json, "One JSON object in one line for each run");
    app.add_option("--timeout", timeout, "Of a run; 0: none")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.0, 86400.0))
        ->capture_default_str();
    app.add_option("--port", s.port, "Of peers whose entry or source names none")
        ->check(CLI::Range(1, 65535))
        ->type_name("PORT")
        ->capture_default_str();
    app.add_option("--as", s.own_port, "Leave out what a node on this machine with this port would: itself")
        ->check(CLI::Range(1, 65535))
        ->type_name("PORT");
    app.add_option("--server", s.servers, "Name servers to ask, through c-ares, in place of the system's resolver")
        ->type_name("HOST:PORT,...");
    app.add_flag("--providers", providers, "Print all providers with their options and exit");
    try {
        app.parse(argc, argv);
    } catch (CLI::CallForHelp const&) {
        s.print = app.help();
        return s;
    } catch (CLI::CallForVersion const& e) {
        s.print = std::string{e.what()} + "\n";
        return s;
    } catch (CLI::ParseError const& e) {
        throw refusal{e.what()};
    }
    if (providers) {
        s.print = list_providers();
        return s;
    }
    auto const seconds = [](double count) {
        return std::chrono::duration_cast<duration>(std::chrono::duration<double>{count});
    };
    s.timeout = seconds(timeout);
    s.interval = seconds(interval);
    if (s.strategy.empty()) throw refusal{"--strategy: is missing"};
    return s;
}

} // namespace discover_program
