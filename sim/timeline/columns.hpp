// A column of a table on its way to the file: values gather in a buffer of one chunk, and a full
// buffer becomes a chunk on disk. However long the run, the memory of a column is one chunk.
#pragma once

#include "timeline/hdf5.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <string>

namespace orrery {

template <typename T>
class Column {
 public:
  Column(hdf5::Writer& file, const std::string& place)
      : dataset_(file.growing<T>(place)), buffer_(std::make_unique<Buffer>()) {}

  void push_back(T value) {
    (*buffer_)[size_++] = value;
    if (size_ == hdf5::chunk_rows) flush();
  }

  void close() {
    if (size_ > 0) flush();
    dataset_.close();
  }

 private:
  using Buffer = std::array<T, hdf5::chunk_rows>;

  void flush() {
    dataset_.append(buffer_->data(), size_);
    size_ = 0;
  }

  hdf5::GrowingDataset dataset_;
  std::unique_ptr<Buffer> buffer_;
  std::size_t size_ = 0;
};

}  // namespace orrery
