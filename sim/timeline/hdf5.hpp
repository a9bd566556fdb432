// The only door to HDF5: files of named datasets that hold numbers or texts, written so that the
// same contents are the same bytes (no time stamps in datasets, groups or the root; the version of
// the format is pinned) and read back with errors that are sentences.
//
// A dataset of numbers is one dimension in little endian, in chunks of 64 Ki rows, byte-shuffled
// and deflated at level 1. Texts are UTF-8 of fixed length, padded with zero bytes. Writing fails
// with OutputError, reading with InvalidScenario (the file is an input); the library's own messages
// are never printed. Not for several threads at once: neither is the library.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::hdf5 {

enum class Hdf5NumberType : std::uint8_t { u8, u16, u32, u64, i64, f32, f64 };

template <typename T>
struct NumberTypeOf;
template <>
struct NumberTypeOf<std::uint8_t> {
  static constexpr Hdf5NumberType value = Hdf5NumberType::u8;
};
template <>
struct NumberTypeOf<std::uint16_t> {
  static constexpr Hdf5NumberType value = Hdf5NumberType::u16;
};
template <>
struct NumberTypeOf<std::uint32_t> {
  static constexpr Hdf5NumberType value = Hdf5NumberType::u32;
};
template <>
struct NumberTypeOf<std::uint64_t> {
  static constexpr Hdf5NumberType value = Hdf5NumberType::u64;
};
template <>
struct NumberTypeOf<std::int64_t> {
  static constexpr Hdf5NumberType value = Hdf5NumberType::i64;
};
template <>
struct NumberTypeOf<float> {
  static constexpr Hdf5NumberType value = Hdf5NumberType::f32;
};
template <>
struct NumberTypeOf<double> {
  static constexpr Hdf5NumberType value = Hdf5NumberType::f64;
};

inline constexpr std::size_t chunk_rows = std::size_t{1} << 16;
/// What is read as a whole: dictionaries, which are no longer than a program has tasks.
inline constexpr std::size_t most_rows_at_once = std::size_t{1} << 28;

/// An identity of the library with the call that gives it back. Move-only.
class Handle {
 public:
  using Close = int (*)(std::int64_t);

  Handle() = default;
  Handle(std::int64_t id, Close give_back) : id_(id), close_(give_back) {}
  Handle(Handle&& other) noexcept { *this = std::move(other); }
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() { close(); }

  std::int64_t id() const { return id_; }
  /// Negative when the library reports that it failed; a closed handle closes well.
  int close() {
    const std::int64_t id = std::exchange(id_, -1);
    return id < 0 ? 0 : close_(id);
  }

 private:
  std::int64_t id_ = -1;
  Close close_ = nullptr;
};

/// A dataset of numbers that grows.
class GrowingDataset {
 public:
  GrowingDataset(Handle dataset, Hdf5NumberType type, std::filesystem::path path)
      : dataset_(std::move(dataset)), type_(type), path_(std::move(path)) {}

  /// Appends rows of the dataset's type; chunk_rows at a time is what is fast.
  void append(const void* values, std::size_t rows);
  void close();

 private:
  Handle dataset_;
  Hdf5NumberType type_;
  std::filesystem::path path_;
  std::size_t rows_ = 0;
};

/// Writes a new file. Places in it are absolute: "/spans/begin_ps"; groups are made before what is
/// in them.
class Writer {
 public:
  /// Errors name `shown`, which is what the file will be called when it is complete.
  Writer(const std::filesystem::path& path, std::filesystem::path shown);

  void group(const std::string& place);
  template <typename T>
  void numbers(const std::string& place, const std::vector<T>& values) {
    fixed_dataset(place, NumberTypeOf<T>::value, values.data(), values.size());
  }
  void texts(const std::string& place, const std::vector<std::string>& values);
  void text(const std::string& place, std::string_view value);

  void attribute(const std::string& place, const std::string& name, std::uint64_t value);
  void attribute(const std::string& place, const std::string& name, std::string_view value);
  void attribute(const std::string& place, const std::string& name,
                 const std::vector<std::string>& values);

  template <typename T>
  GrowingDataset growing(const std::string& place) {
    return growing_dataset(place, NumberTypeOf<T>::value);
  }

  /// All growing datasets must be closed before.
  void close();

 private:
  struct Shape;

  void fixed_dataset(const std::string& place, Hdf5NumberType type, const void* values,
                     std::size_t rows);
  GrowingDataset growing_dataset(const std::string& place, Hdf5NumberType type);
  Handle create_dataset(const std::string& place, const Shape& shape);
  void write_attribute(const std::string& place, const std::string& name, const Shape& shape,
                       const void* values);

  std::filesystem::path path_;
  Handle file_;
};

class Reader {
 public:
  /// Refuses what is missing, no HDF5 file, or cut off.
  explicit Reader(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }

  std::size_t rows(const std::string& place) const;
  template <typename T>
  std::vector<T> numbers(const std::string& place) const {
    const std::size_t all = rows(place);
    if (all > most_rows_at_once) refuse(place + " has more rows than any program");
    return numbers<T>(place, 0, all);
  }
  template <typename T>
  std::vector<T> numbers(const std::string& place, std::size_t first, std::size_t count) const {
    std::vector<T> values(count);
    read(place, NumberTypeOf<T>::value, {.first = first, .count = count}, values.data());
    return values;
  }
  std::vector<std::string> texts(const std::string& place) const;
  std::string text(const std::string& place) const;

  bool has_attribute(const std::string& place, const std::string& name) const;
  std::uint64_t number_attribute(const std::string& place, const std::string& name) const;
  std::string text_attribute(const std::string& place, const std::string& name) const;

  /// Throws InvalidScenario about this file.
  [[noreturn]] void refuse(const std::string& reason) const;

 private:
  struct Rows {
    std::size_t first = 0;
    std::size_t count = 0;
  };

  Handle open_dataset(const std::string& place) const;
  Handle open_attribute(const std::string& place, const std::string& name) const;
  void read(const std::string& place, Hdf5NumberType type, Rows rows, void* values) const;

  std::filesystem::path path_;
  Handle file_;
};

}  // namespace orrery::hdf5
