// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Prints candidates, notices and the way each provider fared.
#include "report.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <peerkit/core/json_writer.hpp>
#include <string_view>
#include <variant>

namespace discover_program {
namespace {

using namespace peerkit;

std::string milliseconds(duration time) {
    std::array<char, 32> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "%.1f ms", std::chrono::duration<double, std::milli>{time}.count());
    return buffer.data();
}
std::int64_t microseconds(duration time) { return std::chrono::duration_cast<std::chrono::microseconds>(time).count(); }
std::string_view word(discovery::presence state) {
    switch (state) {
    case discovery::presence::online: return "online";
    case discovery::presence::offline: return "offline";
    case discovery::presence::unknown: break;
    }
    return "unknown";
}
std::string_view word(discovery::notice::severity level) {
    return level == discovery::notice::severity::info ? "note" : "warning";
}
/// Nothing from outside may move the cursor of a terminal.
std::string plain(std::string_view text) {
    std::string safe;
    for (char const c : text) safe += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return safe;
}
std::string watched(discovery::effect const& change) {
    auto const* const file = std::get_if<discovery::watch_file>(&change);
    return file != nullptr ? file->path : "something";
}
std::string verdict(result<std::vector<discovery::candidate>> const& answer) {
    if (!answer) return "failed";
    return answer->empty() ? "found nobody" : "found " + std::to_string(answer->size());
}

std::string line_of(discovery::candidate const& one) {
    std::string line = plain(one.name.view());
    for (ip_endpoint const& there : one.addresses) {
        if (there.to_string() != line) line.append(line.empty() ? "" : "  ").append(there.to_string());
    }
    line.append("  ").append(to_string(one.source));
    if (one.state != discovery::presence::unknown) line.append(", ").append(word(one.state));
    if (one.time_to_live != duration::zero()) {
        line += ", for " + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(one.time_to_live).count()) +
                " s";
    }
    if (one.id) line.append(", ").append(one.id.to_string());
    for (label const& l : one.labels) line.append("  ").append(plain(l.key)).append("=").append(plain(l.value));
    return line;
}
void print(std::vector<discovery::notice> const& notices, std::string const& indent, std::string& into) {
    for (auto const& told : notices) {
        into.append(indent).append(word(told.level)).append(": ");
        if (!told.text.empty()) into.append(plain(told.text)).append(": ");
        into.append(told.what.message()).append("\n");
    }
}

void write(std::vector<discovery::notice> const& notices, json_writer& out) {
    out.open('[');
    for (auto const& told : notices) {
        out.open('{').key("level").value(word(told.level)).key("text").value(told.text);
        out.key("what").value(told.what.message()).close('}');
    }
    out.close(']');
}
void write(discovery::candidate const& one, json_writer& out) {
    out.open('{').key("name").value(one.name.view()).key("addresses").open('[');
    for (ip_endpoint const& there : one.addresses) out.value(there.to_string());
    out.close(']').key("source").value(to_string(one.source)).key("strategy").value(one.strategy.view());
    out.key("state").value(word(one.state));
    if (one.time_to_live != duration::zero()) out.key("time_to_live_us").value(microseconds(one.time_to_live));
    if (one.id) out.key("id").value(one.id.to_string());
    out.key("labels").open('{');
    for (label const& l : one.labels) out.key(l.key).value(l.value);
    out.close('}').close('}');
}
void write(result<std::vector<discovery::candidate>> const& answer, json_writer& out) {
    if (!answer) {
        out.key("failed").value(answer.error().message());
        return;
    }
    out.key("found").open('[');
    for (discovery::candidate const& one : *answer) write(one, out);
    out.close(']');
}

} // namespace

std::string as_text(run_report const& run) {
    std::string text;
    for (provider_log const& one : *run.providers) {
        text += plain(one.text) + ": ";
        if (one.begun == 0) {
            text += "not asked\n";
            continue;
        }
        text += !one.answer ? "cut off" : verdict(*one.answer) + " in " + milliseconds(one.took);
        if (one.begun > 1) text += ", asked " + std::to_string(one.begun) + " times";
        if (one.answer && !*one.answer) text += ": " + one.answer->error().message();
        text += "\n";
        print(one.notices, "    ", text);
    }
    print(run.notices, "", text);
    text += verdict(run.end.answer) + " in " + milliseconds(run.took);
    if (!run.end.answer) text += ": " + run.end.answer.error().message();
    text += "\n";
    if (run.end.answer) {
        for (discovery::candidate const& one : *run.end.answer) text += "  " + line_of(one) + "\n";
    }
    return text;
}

std::string as_json(run_report const& run) {
    json_writer out;
    out.open('{').key("strategy").value(run.strategy).key("run").value(run.number);
    out.key("took_us").value(microseconds(run.took));
    write(run.end.answer, out);
    out.key("notices");
    write(run.notices, out);
    out.key("providers").open('[');
    for (provider_log const& one : *run.providers) {
        out.open('{').key("text").value(one.text).key("asked").value(one.begun);
        if (one.answer) {
            out.key("took_us").value(microseconds(one.took));
            write(*one.answer, out);
        }
        out.key("notices");
        write(one.notices, out);
        out.close('}');
    }
    out.close(']').key("watching").open('[');
    for (auto const& change : run.end.watches) out.value(watched(change));
    out.close(']').close('}');
    return std::move(out).text() + "\n";
}

} // namespace discover_program
