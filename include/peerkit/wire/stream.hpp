// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Frames on a byte stream: a length, then that many bytes; reassembled whatever the chunks.
#ifndef PEERKIT_WIRE_STREAM_HPP
#define PEERKIT_WIRE_STREAM_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/envelope.hpp>
#include <peerkit/wire/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace wire {

/// Bytes of the length in front of every frame.
inline constexpr std::size_t stream_prefix = 4;

/// Writes the length of a frame in front of it: `to` is `stream_prefix` bytes.
inline void write_stream_prefix(std::span<std::byte, stream_prefix> to, std::size_t frame_size) noexcept {
    store_big(to.data(), static_cast<std::uint32_t>(frame_size));
}

/// Cuts a byte stream into frames. Gives the same frames for any division of the stream into chunks.
///
/// Memory is what has arrived of one frame, at most `limits::stream_frame`: a length that is announced but
/// not followed by bytes costs nothing. The first bad length is final. One thread at a time.
///
/// @code
/// splitter.feed(chunk);
/// for (;;) {
///     auto frame = splitter.next();
///     if (!frame) return close(frame.error());
///     if (frame->empty()) break; // read more
///     handle(*frame);
/// }
/// @endcode
class frame_splitter {
public:
    /// Hands over the next chunk of the stream, which must stay unchanged until `next` has given an empty
    /// frame. To be called only when it has (or at the start); bytes of the previous chunk that were not
    /// asked for are lost.
    void feed(byte_view chunk) noexcept { rest_ = chunk; }

    /// The next whole frame without its length, or an empty span when the chunk is used up. The frame may be
    /// changed in place (it is opened there) and is valid until the next call.
    /// @par Errors `bad_length` with the length, now and at every later call.
    [[nodiscard]] result<byte_span> next() {
        if (done_) {
            frame_.clear();
            prefix_size_ = 0;
            done_ = false;
        }
        if (prefix_size_ < stream_prefix) {
            byte_view const head = take(stream_prefix - prefix_size_);
            copy_bytes(head, byte_span{prefix_}.subspan(prefix_size_));
            prefix_size_ += head.size();
            if (prefix_size_ < stream_prefix) return byte_span{};
        }
        std::size_t const size = load_big<std::uint32_t>(prefix_.data());
        if (size < envelope::min_frame || size > limits::stream_frame)
            return fail(wire_error::bad_length, size, "stream frame");
        byte_view const part = take(size - frame_.size());
        if (frame_.capacity() < frame_.size() + part.size()) {
            frame_.reserve(std::min(size, std::max(frame_.size() + part.size(), 2 * frame_.capacity())));
        }
        frame_.insert(frame_.end(), part.begin(), part.end());
        if (frame_.size() < size) return byte_span{};
        done_ = true;
        return byte_span{frame_};
    }

    /// True between frames: where a stream may end without a frame being cut off.
    [[nodiscard]] bool at_boundary() const noexcept {
        return done_ ? rest_.empty() : prefix_size_ == 0 && rest_.empty();
    }
    /// Bytes held.
    [[nodiscard]] std::size_t memory() const noexcept { return frame_.capacity(); }

private:
    [[nodiscard]] byte_view take(std::size_t wanted) noexcept {
        byte_view const taken = rest_.first(std::min(wanted, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }

    byte_view rest_;
    std::array<std::byte, stream_prefix> prefix_{};
    std::size_t prefix_size_ = 0;
    std::vector<std::byte> frame_;
    bool done_ = false;
};

} // namespace wire
PEERKIT_END_NAMESPACE

#endif
