#include "timeline/gzip_file.hpp"

#include "timeline/output_error.hpp"

#include <zlib.h>

#include <cerrno>
#include <system_error>

namespace orrery {

namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 20;

[[noreturn]] void fail(const PartialFile& place) {
  const int error = errno == 0 ? EIO : errno;
  throw OutputError(place.path(), std::generic_category().message(error));
}

}  // namespace

void GzipFile::Discard::operator()(gzFile_s* file) const { gzclose(file); }

GzipFile::GzipFile(const std::filesystem::path& path) : place_(path) {
  const bool compressed = path.extension() == ".gz";
  file_.reset(gzopen(place_.partial().c_str(), compressed ? "wb6" : "wbT"));
  if (file_ == nullptr) fail(place_);
}

void GzipFile::write(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= buffer_bytes) flush();
}

void GzipFile::flush() {
  errno = 0;
  const auto size = static_cast<unsigned>(buffer_.size());
  if (size > 0 && gzwrite(file_.get(), buffer_.data(), size) == 0) fail(place_);
  buffer_.clear();
}

void GzipFile::close() {
  flush();
  errno = 0;
  if (gzclose(file_.release()) != Z_OK) fail(place_);
  place_.keep();
}

}  // namespace orrery
