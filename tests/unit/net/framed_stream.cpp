// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of framed streams over real connections: any chunks, graceful ends, rude ends, slow readers.
#include <peerkit/net/framed_stream.hpp>

#include "unit/net/support.hpp"

#include <asio/write.hpp>
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace net_test;
using peerkit::byte_span;
using peerkit::error;
using peerkit::wire::wire_error;
using namespace peerkit::net;
using asio::ip::tcp;

namespace {

/// A frame of `size` bytes with its length in front.
std::vector<std::byte> frame(std::size_t size, unsigned fill) {
    std::vector<std::byte> made(size + 4, static_cast<std::byte>(fill));
    peerkit::store_big(made.data(), static_cast<std::uint32_t>(size));
    return made;
}

struct fixture {
    asio::io_context loop;
    std::shared_ptr<stop_state> stop = std::make_shared<stop_state>();
    std::shared_ptr<traffic> counted = std::make_shared<traffic>();
    stream_bounds bounds;
    tcp::socket other{loop}; ///< the other side, raw
    std::shared_ptr<framed_stream> stream;
    std::vector<std::vector<std::byte>> frames;
    std::optional<std::optional<error>> ended;
    std::function<void()> on_frame;

    fixture() {
        bounds.idle = 20s;
        bounds.linger = 20s;
    }
    void open(int send_buffer = 0) {
        tcp::acceptor acceptor{loop, {asio::ip::address_v4::loopback(), 0}};
        tcp::socket socket{loop};
        socket.open(tcp::v4());
        if (send_buffer != 0) socket.set_option(asio::socket_base::send_buffer_size{send_buffer});
        if (send_buffer != 0) acceptor.set_option(asio::socket_base::receive_buffer_size{send_buffer});
        socket.async_connect(acceptor.local_endpoint(), [](asio::error_code) {});
        other = acceptor.accept();
        loop.run();
        loop.restart();
        stream = std::make_shared<framed_stream>(std::move(socket), stop, counted, bounds);
    }
    void run() {
        asio::co_spawn(loop, stream->run([this](byte_span bytes) {
            frames.emplace_back(bytes.begin(), bytes.end());
            std::fill(bytes.begin(), bytes.end(), std::byte{0xee}); // frames are opened in place
            if (on_frame) on_frame();
        }),
                       [this](std::exception_ptr, std::optional<error> why) { ended = why; });
    }
    bool until_ended() {
        return eventually(loop, [&] { return ended.has_value(); });
    }
};

} // namespace

TEST_CASE("frames arrive whole, however they are cut, and a close between frames is no error") {
    fixture f;
    f.open();
    f.run();
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i < 50; ++i) {
        auto const one = frame(57 + i * 331 % 9000, static_cast<unsigned>(i));
        bytes.insert(bytes.end(), one.begin(), one.end());
    }
    for (std::size_t at = 0, step = 1; at < bytes.size(); at += step, step = step * 7 % 4999 + 1) {
        asio::write(f.other, asio::buffer(bytes.data() + at, std::min(step, bytes.size() - at)));
        f.loop.poll();
    }
    f.other.close();
    REQUIRE(f.until_ended());
    CHECK_FALSE(*f.ended);
    REQUIRE(f.frames.size() == 50);
    for (std::size_t i = 0; i < 50; ++i) {
        CHECK(f.frames[i] == std::vector<std::byte>(57 + i * 331 % 9000, static_cast<std::byte>(i)));
    }
    CHECK(f.counted->stream_bytes_received == bytes.size());
    CHECK(runs_out(f.loop));
}

TEST_CASE("a connection that ends within a frame says so") {
    fixture f;
    f.open();
    f.run();
    auto const one = frame(100, 1);
    asio::write(f.other, asio::buffer(one.data(), 50));
    f.other.close();
    REQUIRE(f.until_ended());
    REQUIRE(*f.ended);
    CHECK(**f.ended == net_error::connection_closed);
    CHECK(f.frames.empty());
}

TEST_CASE("a connection that breaks says so") {
    fixture f;
    f.open();
    f.run();
    f.loop.poll();
    f.other.set_option(asio::socket_base::linger{true, 0}); // close resets
    f.other.close();
    REQUIRE(f.until_ended());
    REQUIRE(*f.ended);
    CHECK(**f.ended == net_error::connection_failed);
    CHECK((*f.ended)->position() == ECONNRESET);
}

TEST_CASE("a length out of range ends the stream before anything is kept") {
    for (std::uint32_t const size : {0U, 10U, 65537U, 0xffffffffU}) {
        fixture f;
        f.open();
        f.run();
        std::vector<std::byte> bytes(4);
        peerkit::store_big(bytes.data(), size);
        bytes.resize(1000);
        asio::write(f.other, asio::buffer(bytes));
        REQUIRE(f.until_ended());
        REQUIRE(*f.ended);
        CHECK(**f.ended == wire_error::bad_length);
        CHECK((*f.ended)->position() == size);
        CHECK(f.frames.empty());
    }
}

TEST_CASE("what was queued is delivered although the stream is finished at once, and unread data does not destroy it") {
    fixture f;
    f.open();
    f.run();
    std::vector<std::byte> sent;
    for (unsigned i = 0; i < 100; ++i) {
        auto const one = frame(60000, i);
        CHECK(f.stream->send(one));
        sent.insert(sent.end(), one.begin(), one.end());
    }
    f.stream->finish();
    CHECK(f.stream->finishing());
    CHECK(f.stream->send(frame(100, 1)));              // dropped: nothing follows the end
    asio::write(f.other, asio::buffer(frame(100, 9))); // nobody reads that any more
    std::vector<std::byte> got(sent.size() + 1000);
    std::size_t size = 0;
    bool over = false;
    std::function<void()> read = [&] {
        f.other.async_read_some(asio::buffer(got.data() + size, got.size() - size),
                                [&](asio::error_code ec, std::size_t n) {
                                    size += n;
                                    over = static_cast<bool>(ec);
                                    if (ec)
                                        CHECK(ec == asio::error::eof);
                                    else
                                        read();
                                });
    };
    read();
    CHECK(eventually(f.loop, [&] { return over; }));
    got.resize(size);
    CHECK(got == sent);
    CHECK_FALSE(f.ended); // lingers until the other side closes, too
    f.other.close();
    REQUIRE(f.until_ended());
    CHECK_FALSE(*f.ended);
    CHECK(f.frames.empty());
    CHECK(f.counted->stream_bytes_sent == sent.size());
}

TEST_CASE("a finished stream does not wait for ever for the other side") {
    fixture f;
    f.bounds.linger = 30ms;
    f.open();
    f.run();
    f.loop.poll();
    f.stream->finish();
    REQUIRE(f.until_ended());
    CHECK_FALSE(*f.ended);
    CHECK(runs_out(f.loop));
}

TEST_CASE("a stream on which nothing moves ends") {
    fixture f;
    f.bounds.idle = 30ms;
    f.open();
    f.run();
    REQUIRE(f.until_ended());
    REQUIRE(*f.ended);
    CHECK(**f.ended == net_error::connection_idle);
    CHECK((*f.ended)->position() == 30);
}

TEST_CASE("a reader that does not read is left when the queue is full, and nothing grows beyond it") {
    fixture f;
    f.bounds.write_queue = 100000;
    f.open(4096);
    f.run();
    bool full = false;
    for (int i = 0; i < 10000 && !full; ++i) {
        full = !f.stream->send(frame(1000, 1));
        f.loop.poll();
    }
    CHECK(full);
    REQUIRE(f.until_ended());
    REQUIRE(*f.ended);
    CHECK(**f.ended == net_error::write_queue_full);
    CHECK((*f.ended)->position() == 100000);
}

TEST_CASE("no frame is handed over after the handler has finished or aborted the stream") {
    for (bool const rude : {false, true}) {
        fixture f;
        f.open();
        f.on_frame = [&] { rude ? f.stream->abort() : f.stream->finish(); };
        f.run();
        std::vector<std::byte> three;
        for (unsigned i = 0; i < 3; ++i) {
            auto const one = frame(100, i);
            three.insert(three.end(), one.begin(), one.end());
        }
        asio::write(f.other, asio::buffer(three));
        f.other.shutdown(tcp::socket::shutdown_send);
        REQUIRE(f.until_ended());
        CHECK(f.frames.size() == 1);
    }
}

TEST_CASE("the stop ends a stream at once, without an error") {
    fixture f;
    f.open();
    f.run();
    f.loop.poll();
    f.stop->stop();
    REQUIRE(f.until_ended());
    CHECK_FALSE(*f.ended);
    CHECK(runs_out(f.loop));

    fixture late;
    late.open();
    late.stop->stop();
    late.run();
    REQUIRE(late.until_ended());
    CHECK_FALSE(*late.ended);
}
