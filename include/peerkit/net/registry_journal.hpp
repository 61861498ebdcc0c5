// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Makes the changes of a registry durable on a thread of its own, many in one transaction.
#ifndef PEERKIT_NET_REGISTRY_JOURNAL_HPP
#define PEERKIT_NET_REGISTRY_JOURNAL_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/net/error.hpp>
#include <peerkit/net/system.hpp>
#include <peerkit/registry/change.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// Where a registry stores its changes; without functions, nowhere. Both are called on one thread, which is not the
/// registry's; they may block on the disk and must not throw.
struct registry_storage {
    /// Stores all of them or none, in one transaction; durable when it returns.
    std::function<result<void>(std::span<registry::durable_change const>)> apply{};
    /// Writes a copy of everything stored and takes away copies that are too old. @returns where it is
    std::function<result<std::string>()> write_snapshot{};

    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(apply); }
};

/// Stores changes in the order given, as many at once as have come while the disk was busy (group commit). Figures of
/// heartbeats are gathered and stored within a second or with the next other change, the latest of each node.
///
/// What cannot be stored is tried again every second, with all that has come since, and nothing is left out: the
/// storage is always a state the registry was in. `submit` and `snapshot` are called from one thread, the handlers on
/// `executor`. The destructor stores what is left, once.
class registry_journal {
public:
    struct handlers {
        /// All changes up to this number are durable, or the storage failed and they are not yet.
        std::function<void(std::uint64_t number, result<void> const& stored)> on_stored;
        std::function<void(result<std::string> const& path)> on_snapshot;
    };

    registry_journal(asio::any_io_executor executor, registry_storage storage, handlers tell)
        : shared_{std::make_shared<shared>(std::move(executor), std::move(storage), std::move(tell))},
          no_thread_{start_thread(thread_, [s = shared_] { run(*s); })} {}
    registry_journal(registry_journal const&) = delete;
    registry_journal& operator=(registry_journal const&) = delete;
    /// Whether it has its thread; without one nothing is stored.
    /// @par Errors `no_thread`
    [[nodiscard]] result<void> started() const {
        if (no_thread_ != 0) return fail(net_error::no_thread, static_cast<std::uint64_t>(no_thread_), "journal");
        return {};
    }
    ~registry_journal() {
        {
            std::scoped_lock const held{shared_->lock};
            shared_->ending = true;
        }
        shared_->changed.notify_one();
        if (thread_.joinable()) thread_.join();
        *shared_->told = {}; // what was posted and has not run yet
    }

    /// Takes changes that belong together. @returns their number, to wait for; 0 if there is nothing to wait for,
    /// because they are figures only.
    std::uint64_t submit(std::vector<registry::durable_change> changes) {
        bool hard = false;
        std::uint64_t number = 0;
        {
            std::scoped_lock const held{shared_->lock};
            for (auto& one : changes) {
                if (auto const* const figures = std::get_if<registry::row_touched>(&one)) {
                    shared_->figures[figures->id] = *figures;
                    continue;
                }
                if (auto const* const put = std::get_if<registry::row_put>(&one)) shared_->figures.erase(put->row.id);
                if (std::holds_alternative<registry::table_reset>(one)) shared_->figures.clear();
                shared_->waiting.push_back(std::move(one));
                hard = true;
            }
            if (hard) number = ++shared_->submitted;
        }
        if (hard) shared_->changed.notify_one();
        return number;
    }

    /// Has a snapshot written after what was submitted so far.
    void snapshot() {
        {
            std::scoped_lock const held{shared_->lock};
            shared_->snapshot = true;
        }
        shared_->changed.notify_one();
    }

private:
    using change_list = std::vector<registry::durable_change>;

    struct shared {
        shared(asio::any_io_executor on, registry_storage storage_, handlers tell)
            : executor{std::move(on)}, storage{std::move(storage_)}, told{std::make_shared<handlers>(std::move(tell))} {
        }

        asio::any_io_executor executor;
        registry_storage storage;
        std::shared_ptr<handlers> told; ///< touched on the executor only

        std::mutex lock; ///< guards everything below
        std::condition_variable changed;
        change_list waiting;
        std::unordered_map<node_id, registry::row_touched> figures;
        std::uint64_t submitted = 0;
        bool snapshot = false;
        bool ending = false;
    };

    static constexpr auto patience = std::chrono::seconds{1};

    static void run(shared& s) {
        change_list batch; // what is left of an attempt that failed is at its front
        bool failing = false;
        for (;;) {
            std::unique_lock held{s.lock};
            auto const due = [&s, failing] { return s.ending || s.snapshot || (!failing && !s.waiting.empty()); };
            s.changed.wait_for(held, patience, due);
            bool const ending = s.ending;
            bool const snapshot = std::exchange(s.snapshot, false);
            for (auto& one : std::exchange(s.waiting, {})) batch.push_back(std::move(one));
            for (auto const& [id, figures] : std::exchange(s.figures, {})) batch.emplace_back(figures);
            std::uint64_t const number = s.submitted;
            held.unlock();

            if (!batch.empty()) {
                auto const stored = s.storage.apply(batch);
                failing = !stored;
                if (stored) batch.clear();
                tell(s, [number, stored](handlers const& to) { to.on_stored(number, stored); });
            }
            if (snapshot && s.storage.write_snapshot) {
                tell(s, [path = s.storage.write_snapshot()](handlers const& to) { to.on_snapshot(path); });
            }
            if (ending) return;
        }
    }
    template <typename Call>
    static void tell(shared& s, Call call) {
        asio::post(s.executor, [told = s.told, call = std::move(call)] {
            if (told->on_stored) call(*told);
        });
    }

    std::shared_ptr<shared> shared_;
    std::thread thread_;
    int no_thread_ = 0;
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
