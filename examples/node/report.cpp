// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Prints events, members and log lines, as text or JSON.
#include "report.hpp"

#include <chrono>
#include <cstdio>
#include <ctime>
#include <peerkit/core/json_writer.hpp>

namespace node_program {

using namespace peerkit;

namespace {

void put_line(std::FILE* to, std::string line) {
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), to);
    std::fflush(to);
}

std::string_view to_string(log_level level) {
    switch (level) {
    case log_level::error: return "error";
    case log_level::warning: return "warning";
    case log_level::info: return "info";
    case log_level::debug: return "debug";
    }
    return "unknown";
}

} // namespace

std::string timestamp() {
    auto const now = std::chrono::system_clock::now();
    auto const millis = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
    std::time_t const seconds = static_cast<std::time_t>(millis / 1000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 64> text{};
    std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    size += static_cast<std::size_t>(
        std::snprintf(text.data() + size, text.size() - size, ".%03dZ", static_cast<int>(millis % 1000)));
    return {text.data(), size};
}

state_counts count_states(std::vector<net::member_info> const& members) {
    state_counts counts{};
    for (net::member_info const& m : members) ++counts[static_cast<std::size_t>(m.state)];
    return counts;
}

std::string reporter::name_of(short_id id) const {
    auto const found = names_.find(id);
    return found == names_.end() ? peerkit::to_string(id) : found->second;
}

void reporter::event(gossip::event const& what) {
    bool const of_member = static_cast<bool>(what.subject);
    short_id const subject = what.subject.short_id();
    bool const named_by = what.by != short_id{} && what.by != subject;
    if (format_ == output_format::json) {
        json_writer out;
        out.open('{').key("time").value(timestamp()).key("event").value(gossip::to_string(what.kind));
        if (of_member) out.key("name").value(name_of(subject)).key("id").value(what.subject.to_string());
        if (what.incarnation != 0) out.key("incarnation").value(what.incarnation);
        if (!what.key.empty()) out.key("key").value(what.key.view()).key("version").value(what.version);
        if (what.where) out.key("endpoint").value(what.where.to_string());
        if (what.why != gossip::cause::none) out.key("cause").value(gossip::to_string(what.why));
        if (named_by) out.key("by").value(name_of(what.by));
        if (what.what) out.key("error").value(what.what->message());
        if (what.count != 0) out.key("count").value(what.count);
        put_line(stdout, std::move(out.close('}')).text());
    } else {
        std::string line = timestamp();
        line.append("  ").append(gossip::to_string(what.kind));
        if (of_member)
            line.append("  ").append(name_of(subject)).append(" [").append(peerkit::to_string(subject)).append("]");
        if (!what.key.empty()) line.append("  ").append(what.key.view());
        if (what.where) line.append("  ").append(what.where.to_string());
        if (what.why != gossip::cause::none) {
            line.append("  (").append(gossip::to_string(what.why));
            if (named_by) line.append(" ").append(name_of(what.by));
            line.append(")");
        }
        if (what.what) line.append("  ").append(what.what->message());
        if (what.count != 0) line.append("  count ").append(std::to_string(what.count));
        put_line(stdout, std::move(line));
    }
    if (what.kind == gossip::event_kind::member_removed) names_.erase(subject);
}

void reporter::members(std::vector<net::member_info> const& all) const {
    state_counts const counts = count_states(all);
    if (format_ == output_format::json) {
        json_writer out;
        out.open('{').key("time").value(timestamp()).key("event").value("members");
        for (std::size_t i = 0; i < counts.size(); ++i) {
            out.key(membership::to_string(static_cast<membership::member_state>(i))).value(counts[i]);
        }
        out.key("members").open('[');
        for (net::member_info const& m : all) {
            out.open('{').key("name").value(m.name).key("state").value(membership::to_string(m.state)).close('}');
        }
        put_line(stdout, std::move(out.close(']').close('}')).text());
        return;
    }
    std::string line = timestamp() + "  members ";
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (i != 0 && counts[i] == 0) continue;
        line.append(i == 0 ? " " : ", ").append(std::to_string(counts[i])).append(" ");
        line.append(membership::to_string(static_cast<membership::member_state>(i)));
    }
    line += ':';
    for (net::member_info const& m : all) {
        line.append(" ").append(m.name);
        if (m.state != membership::member_state::alive)
            line.append("(").append(membership::to_string(m.state)).append(")");
    }
    put_line(stdout, std::move(line));
}

void reporter::notice(discovery::notice const& told) const {
    bool const warns = told.level == discovery::notice::severity::warning;
    log(warns ? log_level::warning : log_level::info,
        told.what.message() + (told.text.empty() ? "" : ": " + told.text));
}

void reporter::log(log_level level, std::string_view text) const {
    if (level > level_) return;
    put_line(stderr, timestamp() + "  " + std::string{to_string(level)} + "  " + std::string{text});
}

} // namespace node_program
