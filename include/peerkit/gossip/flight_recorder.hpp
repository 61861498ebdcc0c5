// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Remembers what a node was given and what its policies answered, in bounded memory, so that it can be lived again.
#ifndef PEERKIT_GOSSIP_FLIGHT_RECORDER_HPP
#define PEERKIT_GOSSIP_FLIGHT_RECORDER_HPP

#include <peerkit/core/byte_sink.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/word_hash.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/gossip/outbox.hpp>
#include <peerkit/gossip/output_digest.hpp>
#include <peerkit/gossip/recorded_kinds.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// How a dump begins and ends. `docs/recorder.md` describes every byte.
struct recording_layout {
    static constexpr std::string_view magic = "peerkitR";
    static constexpr std::uint8_t format = 1;
    static constexpr std::uint64_t checksum_seed = 0x7265636f72646572ULL;
    /// Of an entry, behind its size: kind, nanoseconds since the start, digest of the outputs.
    static constexpr std::size_t entry_head = 1 + 8 + 4;

    [[nodiscard]] static std::uint64_t checksum(byte_view bytes) noexcept {
        word_hash hash{checksum_seed};
        hash.part(bytes);
        return hash.value();
    }
};

/// The flight recorder of one life of one node. `node::recorded_logic` writes to it; the host keeps it and asks for a
/// `dump`, which `sim::replay` lives through again.
///
/// Inputs are kept whole in a ring of as many bytes as were given. While all since the start are there the recording is
/// `complete` and can be replayed; when the ring is full the oldest give way, and what is left is a log: the dump says
/// so. There is neither a private key nor a network key in it, but everything that was said with them: treat a dump
/// like the traffic itself.
///
/// After it has grown to the largest input it allocates nothing. Not thread safe: as the node, whose calls it notes.
///
/// @code
/// gossip::flight_recorder recorder{std::size_t{16} << 20U};
/// // give it to a node, see docs/recorder.md; then, whenever there is something to look at:
/// save(recorder.dump());
/// @endcode
class flight_recorder {
public:
    /// @param bytes of memory for inputs, all taken now
    explicit flight_recorder(std::size_t bytes) : ring_(bytes) {}
    flight_recorder(flight_recorder const&) = delete;
    flight_recorder& operator=(flight_recorder const&) = delete;

    /// Nothing that came since the start was dropped.
    [[nodiscard]] bool complete() const noexcept { return dropped_ == 0; }
    /// Inputs noted since the start, and how many of them are not kept any more.
    [[nodiscard]] std::uint64_t inputs() const noexcept { return inputs_; }
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }
    /// Bytes of the ring in use, and all of it.
    [[nodiscard]] std::size_t used() const noexcept { return used_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return ring_.size(); }

    /// Everything that is kept, as a file: see `recording_layout`. Empty before the node was started.
    [[nodiscard]] std::vector<std::byte> dump() const {
        byte_sink out;
        if (start_.size() == 0) return {};
        out.raw(as_bytes(recording_layout::magic));
        out.u8(recording_layout::format);
        for (auto const part : {PEERKIT_VERSION_MAJOR, PEERKIT_VERSION_MINOR, PEERKIT_VERSION_PATCH})
            out.u8(static_cast<std::uint8_t>(part));
        out.block(birth_.bytes());
        out.u64(dropped_);
        out.u64(dropped_until_);
        out.u64(inputs_ - dropped_);
        out.u32(static_cast<std::uint32_t>(start_.size()));
        out.raw(start_.bytes());
        // The ring holds whole entries, each behind its size: just as they stand in the file.
        std::size_t const first = std::min(used_, ring_.size() - oldest_);
        out.raw(byte_view{ring_}.subspan(oldest_, first));
        out.raw(byte_view{ring_}.first(used_ - first));
        out.u64(recording_layout::checksum(out.bytes()));
        return out.take();
    }

    // For the policies of the node: what they answered. Only during an input, and while the node is made.
    void answered(answer_kind what) {
        if (listening()) answers_.u8(static_cast<std::uint8_t>(what));
    }
    void drew(std::uint64_t word) {
        if (!listening()) return;
        answers_.u8(static_cast<std::uint8_t>(answer_kind::draw));
        answers_.u64(word);
    }
    void used_key(std::uint32_t id) {
        if (!listening()) return;
        answers_.u8(static_cast<std::uint8_t>(answer_kind::key_id));
        answers_.u32(id);
    }
    void made_signature(byte_view signature) {
        if (!listening()) return;
        answers_.u8(static_cast<std::uint8_t>(answer_kind::signature));
        answers_.raw(signature);
    }
    void opened(byte_view plain) {
        if (!listening()) return;
        answers_.u8(static_cast<std::uint8_t>(answer_kind::opened));
        answers_.block(plain);
    }
    /// Before a frame is sealed.
    void sealing(byte_view nonce, byte_view ad, byte_view text) noexcept {
        if (listening()) digest_.sealed(nonce, ad, text);
    }

    // For the node: a life, and in it one call after the other.
    /// A node is being made: forgets everything before.
    void renew() noexcept {
        phase_ = phase::before_start;
        birth_.clear(), start_.clear(), body_.clear(), answers_.clear(), digest_.clear();
        oldest_ = used_ = 0;
        inputs_ = dropped_ = dropped_until_ = 0;
    }
    /// What the node is started with; to be filled before its first input, which is `start`.
    [[nodiscard]] byte_sink& birth() noexcept { return birth_; }
    /// The start was noted.
    [[nodiscard]] bool started() const noexcept { return start_.size() != 0; }
    /// An input begins; the caller writes its body.
    [[nodiscard]] byte_sink& begin(input_kind what, time_point now) noexcept {
        if (what == input_kind::start) began_ = now;
        phase_ = phase::during_input;
        kind_ = what;
        now_ = now;
        body_.clear();
        return body_;
    }
    /// When the last input came: for calls that are not told the time.
    [[nodiscard]] time_point now() const noexcept { return now_; }
    /// An input is over: it made the node append to `out`, which held `sent` actions and `told` events before.
    void end(outbox const& out, std::size_t sent, std::size_t told, std::uint64_t returned, time_point deadline) {
        digest_.actions(out, sent);
        outputs_.clear();
        count_sent(out, sent);
        note_events(out, told);
        keep(digest_.finish(returned, deadline));
    }
    /// The same for a call that wants nothing done at once.
    void end(std::uint64_t returned, time_point deadline) {
        outputs_.clear();
        outputs_.varint(0), outputs_.varint(0), outputs_.varint(0);
        keep(digest_.finish(returned, deadline));
    }

private:
    enum class phase : std::uint8_t { before_start, during_input, between };

    [[nodiscard]] bool listening() const noexcept { return phase_ != phase::between; }

    void count_sent(outbox const& out, std::size_t sent) {
        std::size_t datagrams = 0, frames = 0;
        for (std::size_t i = sent; i < out.size(); ++i) {
            action_kind const kind = out[i].kind;
            datagrams += kind == action_kind::send_datagram ? 1U : 0U;
            frames += kind == action_kind::send_frame ? 1U : 0U;
        }
        outputs_.varint(datagrams);
        outputs_.varint(frames);
    }
    void note_events(outbox const& out, std::size_t told) {
        outputs_.varint(out.events().size() - told);
        for (event const& e : out.events().subspan(told)) {
            outputs_.u8(static_cast<std::uint8_t>(e.kind));
            outputs_.u8(static_cast<std::uint8_t>(e.why));
            outputs_.u64(static_cast<std::uint64_t>(e.subject.short_id()));
            outputs_.u64(static_cast<std::uint64_t>(e.by));
        }
    }
    void keep(std::uint32_t digest) {
        phase_ = phase::between;
        entry_.clear();
        entry_.u8(static_cast<std::uint8_t>(kind_));
        entry_.u64(static_cast<std::uint64_t>((now_ - began_).count()));
        entry_.u32(digest);
        entry_.block(body_.bytes());
        entry_.block(answers_.bytes());
        entry_.raw(outputs_.bytes());
        answers_.clear();
        if (kind_ == input_kind::start) {
            std::swap(start_, entry_);
            return;
        }
        ++inputs_;
        store();
    }
    void store() {
        std::array<std::byte, 4> size;
        store_big(size.data(), static_cast<std::uint32_t>(entry_.size()));
        std::size_t const needed = size.size() + entry_.size();
        while (used_ != 0 && used_ + needed > ring_.size()) drop_oldest();
        if (needed > ring_.size()) { // no room at all: a hole, and nothing before it is of use
            ++dropped_;
            dropped_until_ = static_cast<std::uint64_t>((now_ - began_).count());
            return;
        }
        put(size);
        put(entry_.bytes());
    }
    void put(byte_view from) noexcept {
        std::size_t const at = (oldest_ + used_) % ring_.size();
        std::size_t const first = std::min(from.size(), ring_.size() - at);
        copy_bytes(from.first(first), byte_span{ring_}.subspan(at));
        copy_bytes(from.subspan(first), ring_);
        used_ += from.size();
    }
    void drop_oldest() noexcept {
        std::array<std::byte, 4 + recording_layout::entry_head> head;
        for (std::size_t i = 0; i < head.size(); ++i) head[i] = ring_[(oldest_ + i) % ring_.size()];
        std::size_t const size = head.size() - recording_layout::entry_head + load_big<std::uint32_t>(head.data());
        dropped_until_ = load_big<std::uint64_t>(head.data() + 5);
        ++dropped_;
        oldest_ = (oldest_ + size) % ring_.size();
        used_ -= size;
    }

    std::vector<std::byte> ring_;
    std::size_t oldest_ = 0;
    std::size_t used_ = 0;
    std::uint64_t inputs_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t dropped_until_ = 0; ///< nanoseconds since the start
    phase phase_ = phase::before_start;
    input_kind kind_{};
    time_point began_{};
    time_point now_{};
    byte_sink birth_;
    byte_sink start_; ///< the first entry, which is never dropped
    byte_sink body_;
    byte_sink answers_;
    byte_sink outputs_;
    byte_sink entry_;
    output_digest digest_;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
