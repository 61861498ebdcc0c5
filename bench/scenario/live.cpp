// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Real nodes on loopback with the `lan` profile, sealed and signed: joining, noticing a crash, idling.
//
// usage: bench_live                        all of it, with the keys of bench/bars.txt
//        bench_live join NODES LIMIT       one scenario, its figures as one line of JSON (bench/compare)
//        bench_live detect NODES KILLS
//        bench_live idle NODES SECONDS
//        bench_live broadcast NODES COUNT
#include <support/live_nodes.hpp>
#include <support/measure.hpp>

#include <asio/steady_timer.hpp>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

extern char** environ;

namespace {

using namespace live;

char const* program = nullptr;

// ---- Joining -------------------------------------------------------------------------------------------------------

struct join_figures {
    double all_see_all_s; ///< the limit, if not all do by then
    double most_pairs_s;  ///< until 99 of 100 pairs knew each other
    std::size_t complete; ///< nodes that see all
    double cpu_ms_per_node;
    double bytes_per_node;
};

/// All nodes start at the same moment and know one of them.
join_figures join(std::size_t nodes, std::chrono::seconds limit) {
    double const before = process_seconds();
    cluster all;
    all.make(nodes);
    all.start(nodes);
    auto const took = all.await_all(limit);
    double const spent = process_seconds() - before;
    totals const t = all.sum();
    auto const n = static_cast<double>(nodes);
    double const until = std::chrono::duration<double>{limit}.count();
    join_figures const made{took.value_or(until), all.most_pairs().value_or(until), all.complete(), spent * 1e3 / n,
                            static_cast<double>(t.payload_sent) / n};
    std::printf(
        "join %zu: %zu see all after %.2f s, 99 of 100 pairs after %.2f s; %.1f ms of processor and %.0f bytes per "
        "node; %.2f signature checks and %.2f duplicates per record and node; %llu exchanges, %llu streams "
        "refused, %llu checks over budget, %llu datagrams lost, %llu probes failed\n",
        nodes, made.complete, made.all_see_all_s, made.most_pairs_s, made.cpu_ms_per_node, made.bytes_per_node,
        static_cast<double>(t.signatures_checked) / n / (n - 1), static_cast<double>(t.duplicates) / n / (n - 1),
        static_cast<unsigned long long>(t.exchanges), static_cast<unsigned long long>(t.streams_refused),
        static_cast<unsigned long long>(t.verifies_refused), static_cast<unsigned long long>(t.lost),
        static_cast<unsigned long long>(t.probes_failed));
    return made;
}
/// The same, of which an end is expected.
double joined_s(std::size_t nodes) {
    auto const made = join(nodes, 120s);
    require(made.complete == nodes, "after 120 s not everybody sees all");
    return made.all_see_all_s;
}

// ---- Noticing a crash ----------------------------------------------------------------------------------------------

/// When each of those who watch declared each of the victims dead.
class obituaries {
public:
    explicit obituaries(std::size_t watchers) : watchers_{watchers} {}

    void expect(node_id const& victim) {
        std::lock_guard const lock{mutex_};
        deaths_[victim].killed = clock::now();
    }
    void died(node_id const& subject, clock::time_point at) {
        std::lock_guard const lock{mutex_};
        auto const found = deaths_.find(subject);
        if (found == deaths_.end() || found->second.killed == clock::time_point{}) {
            ++false_;
            return;
        }
        death& d = found->second;
        ++d.told;
        if (d.told == 1) d.first = at;
        d.last = std::max(d.last, at);
    }
    [[nodiscard]] bool all_know(node_id const& victim) {
        std::lock_guard const lock{mutex_};
        return deaths_[victim].told >= watchers_;
    }
    [[nodiscard]] double first_s(node_id const& victim) { return after(deaths_[victim].first, victim); }
    [[nodiscard]] double all_s(node_id const& victim) { return after(deaths_[victim].last, victim); }
    /// Healthy members that anybody declared dead.
    [[nodiscard]] std::size_t false_deaths() {
        std::lock_guard const lock{mutex_};
        return false_;
    }

private:
    struct death {
        clock::time_point killed{}, first{}, last{};
        std::size_t told = 0;
    };
    [[nodiscard]] double after(clock::time_point at, node_id const& victim) {
        return std::chrono::duration<double>{at - deaths_[victim].killed}.count();
    }

    std::mutex mutex_;
    std::size_t watchers_;
    std::map<node_id, death> deaths_;
    std::size_t false_ = 0;
};

/// A process with one node, which is told nothing before it is killed.
class victim_process {
public:
    explicit victim_process(std::uint16_t seed_port) {
        int ends[2];
        require(::pipe(ends) == 0, "no pipe");
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        posix_spawn_file_actions_addclose(&actions, ends[0]);
        std::string name{program}, what{"victim"}, port = std::to_string(seed_port);
        char* arguments[] = {name.data(), what.data(), port.data(), nullptr};
        require(::posix_spawn(&process_, program, &actions, nullptr, arguments, environ) == 0, "no child process");
        posix_spawn_file_actions_destroy(&actions);
        ::close(ends[1]);
        require(::read(ends[0], &id_, sizeof id_) == sizeof id_, "the child process did not start");
        ::close(ends[0]);
    }
    victim_process(victim_process const&) = delete;
    victim_process& operator=(victim_process const&) = delete;
    ~victim_process() { kill(); }

    [[nodiscard]] node_id const& id() const noexcept { return id_; }
    void kill() {
        if (process_ <= 0) return;
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
        process_ = 0;
    }

private:
    pid_t process_ = 0;
    node_id id_;
};

int be_victim(std::uint16_t seed_port) {
    asio::io_context loop;
    auto node = net::node::create(loop.get_executor(), configured("victim", seed_port));
    require(node.has_value(), "no node");
    require(node->start().has_value(), "the node did not start");
    require(::write(STDOUT_FILENO, &node->id(), sizeof(node_id)) == sizeof(node_id), "nobody listens");
    // It ends with its parent, whatever becomes of that.
    pid_t const parent = ::getppid();
    asio::steady_timer look{loop};
    std::function<void()> const again = [&] {
        look.expires_after(1s);
        look.async_wait([&](asio::error_code) {
            if (::getppid() != parent) std::_Exit(0);
            again();
        });
    };
    again();
    loop.run();
    return 0;
}

struct detect_figures {
    double first_s;
    double all_s;
    std::size_t false_deaths;
};
struct idle_figures {
    double cpu_ms_per_s;
    double bytes_per_s;
    double datagrams_per_s;
};

/// Nodes of which some will crash: processes of their own, ended by SIGKILL, or nodes of this process whose sockets are
/// closed without a word.
class doomed {
public:
    doomed(std::size_t nodes, std::size_t kills, bool processes) : nodes_{nodes}, kills_{kills}, told_{nodes - kills} {
        std::size_t const watchers = nodes - kills;
        all_.watch([this, watchers](std::size_t of, gossip::event const& e) {
            if (e.kind == gossip::event_kind::member_dead && of < watchers) told_.died(e.subject, clock::now());
        });
        all_.make(processes ? watchers : nodes);
        for (std::size_t i = 0; processes && i < kills; ++i)
            victims_.push_back(std::make_unique<victim_process>(all_.port_of(0)));
        all_.start(nodes);
        require(all_.await_all(120s).has_value(), "the nodes did not find each other");
    }

    /// What a member costs per second once nothing is left to tell; over the nodes of this process.
    idle_figures idle(std::chrono::seconds settle, std::chrono::seconds window) {
        std::this_thread::sleep_for(settle);
        totals const before = all_.sum();
        double const processor = process_seconds();
        auto const begin = clock::now();
        std::this_thread::sleep_for(window);
        double const per = seconds_since(begin) * static_cast<double>(all_.size());
        double const spent = process_seconds() - processor;
        totals const after = all_.sum();
        idle_figures const made{spent * 1e3 / per, static_cast<double>(after.payload_sent - before.payload_sent) / per,
                                static_cast<double>(after.datagrams_sent - before.datagrams_sent) / per};
        std::printf("idle %zu: per member and second %.3f ms of processor, %.2f datagrams, %.0f bytes, %.0f of them on "
                    "streams; %llu exchanges\n",
                    nodes_, made.cpu_ms_per_s, made.datagrams_per_s, made.bytes_per_s,
                    static_cast<double>(after.stream_bytes_sent - before.stream_bytes_sent) / per,
                    static_cast<unsigned long long>(after.exchanges - before.exchanges));
        return made;
    }

    /// The medians over the crashes, until all the others have declared it dead. `apart`: between two crashes; 0: the
    /// next one comes when all know of the last.
    detect_figures crash(std::chrono::milliseconds apart) {
        std::vector<node_id> ids;
        for (std::size_t i = 0; i < kills_; ++i) {
            std::size_t const at = nodes_ - kills_ + i;
            ids.push_back(victims_.empty() ? all_.id_of(at) : victims_[i]->id());
            told_.expect(ids.back());
            if (victims_.empty())
                all_.crash(at);
            else
                victims_[i]->kill();
            if (apart == 0ms)
                await(ids.back());
            else
                std::this_thread::sleep_for(apart);
        }
        std::vector<double> firsts, alls;
        for (node_id const& id : ids) {
            await(id);
            firsts.push_back(told_.first_s(id));
            alls.push_back(told_.all_s(id));
        }
        std::printf("detect %zu (%s): all know after", nodes_, victims_.empty() ? "sockets closed" : "kill -9");
        for (double const s : alls) std::printf(" %.2f", s);
        std::printf(" s; the first after");
        for (double const s : firsts) std::printf(" %.2f", s);
        std::printf(" s; healthy ones declared dead: %zu\n", told_.false_deaths());
        return {measure::median(firsts), measure::median(alls), told_.false_deaths()};
    }

private:
    void await(node_id const& id) {
        auto const limit = clock::now() + 60s;
        while (!told_.all_know(id) && clock::now() < limit) std::this_thread::sleep_for(20ms);
        require(told_.all_know(id), "after 60 s not everybody knows of a crash");
    }

    std::size_t nodes_, kills_;
    obituaries told_;
    std::vector<std::unique_ptr<victim_process>> victims_;
    cluster all_;
};

// ---- Telling everybody ---------------------------------------------------------------------------------------------

struct broadcast_figures {
    double p50_ms;
    double p99_ms;
    std::size_t missed; ///< deliveries that had not come after 10 s
};

/// Tells all nodes 256 bytes, again and again, from a different node each time; until the last one was handed them.
broadcast_figures broadcast(std::size_t nodes, std::size_t count) {
    struct heard {
        std::mutex mutex;
        std::size_t number = 0, times = 0;
        clock::time_point last{};
    } latest;
    cluster all;
    all.make(nodes);
    all.start(nodes);
    require(all.await_all(120s).has_value(), "the nodes did not find each other");
    all.each([&](std::size_t, net::node& n) {
        auto const ok = n.on_message("bench", [&latest](gossip::incoming const& m) {
            std::size_t number = 0;
            std::memcpy(&number, m.payload.data(), sizeof number);
            std::lock_guard const lock{latest.mutex};
            if (number != latest.number) return;
            ++latest.times;
            latest.last = clock::now();
        });
        require(ok.has_value(), "no handler");
    });
    std::this_thread::sleep_for(3s);
    std::vector<double> took;
    std::size_t missed = 0;
    for (std::size_t i = 1; i <= count; ++i) {
        std::array<std::byte, 256> what{};
        std::memcpy(what.data(), &i, sizeof i);
        {
            std::lock_guard const lock{latest.mutex};
            latest.number = i;
            latest.times = 0;
        }
        auto const begin = clock::now();
        all.each([&](std::size_t number, net::node& n) {
            if (number == i * 7 % nodes) require(n.broadcast("bench", what).has_value(), "not sent");
        });
        for (std::size_t times = 0; times + 1 < nodes && clock::now() - begin < 10s;) {
            std::this_thread::sleep_for(1ms);
            std::lock_guard const lock{latest.mutex};
            times = latest.times;
        }
        std::lock_guard const lock{latest.mutex};
        missed += nodes - 1 - latest.times;
        // If somebody missed it, it is at least the limit.
        auto const end = latest.times + 1 == nodes ? latest.last : begin + 10s;
        took.push_back(std::chrono::duration<double, std::milli>{end - begin}.count());
    }
    std::sort(took.begin(), took.end());
    auto const at = [&](double part) {
        return took[static_cast<std::size_t>(part * static_cast<double>(took.size() - 1))];
    };
    return {at(0.5), at(0.99), missed};
}

// ---- All of it -----------------------------------------------------------------------------------------------------

void run_all() {
    bool const quick = measure::quick();
    std::vector<double> small, large;
    for (int i = 0; i < (quick ? 3 : 7); ++i) small.push_back(joined_s(32));
    for (int i = 0; i < (quick ? 1 : 5); ++i) large.push_back(joined_s(256));
    measure::report("join.all_see_all_32_s", measure::median(small));
    measure::report("join.all_see_all_s", measure::median(large));

    // Quick: crashes a moment apart, so that waiting for one is waiting for all.
    doomed some{128, quick ? std::size_t{5} : std::size_t{9}, true};
    auto const idled = some.idle(quick ? 5s : 60s, quick ? 5s : 60s);
    auto const killed = some.crash(quick ? 400ms : 0ms);
    measure::report("node.cpu_ms_per_s", idled.cpu_ms_per_s);
    measure::report("detect.all_s", killed.all_s);
    measure::report("detect.first_s", killed.first_s);
    measure::report("detect.false_dead", static_cast<double>(killed.false_deaths));
}

std::size_t number(char const* text) { return static_cast<std::size_t>(std::strtoul(text, nullptr, 10)); }

} // namespace

int main(int argc, char** argv) {
    program = argv[0];
    std::string_view const what = argc > 1 ? argv[1] : "";
    if (what == "victim" && argc == 3) return be_victim(static_cast<std::uint16_t>(number(argv[2])));
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    if (what.empty()) {
        run_all();
    } else if (what == "join" && argc == 4) {
        auto const f = join(number(argv[2]), std::chrono::seconds{number(argv[3])});
        std::printf("{\"all_see_all_s\": %.6g, \"complete\": %zu, \"most_pairs_s\": %.6g, \"cpu_ms_per_node\": %.6g, "
                    "\"bytes_per_node\": %.6g}\n",
                    f.all_see_all_s, f.complete, f.most_pairs_s, f.cpu_ms_per_node, f.bytes_per_node);
    } else if (what == "detect" && argc == 4) {
        auto const f = doomed{number(argv[2]), number(argv[3]), false}.crash(1500ms);
        std::printf("{\"first_s\": %.6g, \"all_s\": %.6g, \"false_dead\": %zu}\n", f.first_s, f.all_s, f.false_deaths);
    } else if (what == "idle" && argc == 4) {
        auto const f = doomed{number(argv[2]), 0, false}.idle(30s, std::chrono::seconds{number(argv[3])});
        std::printf("{\"cpu_ms_per_s\": %.6g, \"bytes_per_s\": %.6g, \"datagrams_per_s\": %.6g}\n", f.cpu_ms_per_s,
                    f.bytes_per_s, f.datagrams_per_s);
    } else if (what == "broadcast" && argc == 4) {
        auto const f = broadcast(number(argv[2]), number(argv[3]));
        std::printf("{\"p50_ms\": %.6g, \"p99_ms\": %.6g, \"missed\": %zu}\n", f.p50_ms, f.p99_ms, f.missed);
    } else {
        std::fprintf(
            stderr,
            "usage: bench_live [join NODES LIMIT | detect NODES KILLS | idle NODES SECONDS | broadcast NODES COUNT]\n");
        return 2;
    }
}
