// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes the record view: what it accepts has one form, and its parts lie inside its bytes.
#include <peerkit/wire/record.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

using namespace peerkit;
using wire::record_view;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

void require_inside(std::string_view text, byte_view bytes) {
    std::string_view const all = as_text(bytes);
    require(text.empty() || (text.data() >= all.data() && text.data() + text.size() <= all.data() + all.size()));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    byte_view const bytes{reinterpret_cast<std::byte const*>(data), size};
    auto const key = record_view::peek(bytes);
    auto const record = record_view::parse(bytes);
    if (!record) {
        require(record.error().domain() == "wire");
        require(record.error().position() <= size);
        require(!record.error().field().empty());
        return 0;
    }
    require(key == record->key());
    require(size <= limits::record);
    require(record->unsigned_part().size() + record->signature().size() == size);

    require_inside(record->name(), bytes);
    require_inside(record->version(), bytes);
    for (std::string_view const role : record->roles()) require_inside(role, bytes);
    for (std::string_view const capability : record->capabilities()) {
        require_inside(capability, bytes);
        require(record->has_capability(capability));
    }
    for (wire::label_view const& l : record->labels()) {
        require_inside(l.key, bytes);
        require_inside(l.value, bytes);
        require(record->label_value(l.key) == l.value);
    }
    for (wire::service_view const& s : record->services()) {
        require_inside(s.name, bytes);
        require_inside(s.info, bytes);
        require(record->find_service(s.name) == s);
    }
    require(record->services().after() == record->signature().data());
    for (std::size_t i = 0; i < record->address_count(); ++i) {
        require(static_cast<bool>(record->gossip_endpoint(i)));
    }
    require(record->first_endpoint() == record->gossip_endpoint(0));

    description d = record->to_description();
    std::array<std::byte, limits::record> again;
    auto const written = wire::encode_record(d, record->id(), record->incarnation(), record->left(), again);
    require(written && equal(byte_view{again}.first(*written), record->unsigned_part()));
    description const before = d;
    require(normalize(d).has_value());
    require(d == before);
    return 0;
}
