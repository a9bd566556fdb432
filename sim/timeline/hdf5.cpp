#include "timeline/hdf5.hpp"

#include "base/check.hpp"
#include "base/diagnostics.hpp"
#include "timeline/output_error.hpp"

#include <hdf5.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

namespace orrery::hdf5 {

namespace {

static_assert(std::is_same_v<hid_t, std::int64_t> && std::is_same_v<herr_t, int>);

/// Texts of a dataset are read and written in blocks of about this size.
constexpr std::size_t text_chunk_bytes = std::size_t{1} << 20;

hid_t stored_type(Hdf5NumberType type) {
  switch (type) {
    case Hdf5NumberType::u8:
      return H5T_STD_U8LE;
    case Hdf5NumberType::u16:
      return H5T_STD_U16LE;
    case Hdf5NumberType::u32:
      return H5T_STD_U32LE;
    case Hdf5NumberType::u64:
      return H5T_STD_U64LE;
    case Hdf5NumberType::i64:
      return H5T_STD_I64LE;
    case Hdf5NumberType::f32:
      return H5T_IEEE_F32LE;
    case Hdf5NumberType::f64:
      return H5T_IEEE_F64LE;
  }
  CHECK(false, static_cast<int>(type));
}

hid_t native_type(Hdf5NumberType type) {
  switch (type) {
    case Hdf5NumberType::u8:
      return H5T_NATIVE_UINT8;
    case Hdf5NumberType::u16:
      return H5T_NATIVE_UINT16;
    case Hdf5NumberType::u32:
      return H5T_NATIVE_UINT32;
    case Hdf5NumberType::u64:
      return H5T_NATIVE_UINT64;
    case Hdf5NumberType::i64:
      return H5T_NATIVE_INT64;
    case Hdf5NumberType::f32:
      return H5T_NATIVE_FLOAT;
    case Hdf5NumberType::f64:
      return H5T_NATIVE_DOUBLE;
  }
  CHECK(false, static_cast<int>(type));
}

Handle text_type(std::size_t size) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  const bool made = H5Tset_size(type.id(), std::max<std::size_t>(size, 1)) >= 0 &&
                    H5Tset_strpad(type.id(), H5T_STR_NULLPAD) >= 0 &&
                    H5Tset_cset(type.id(), H5T_CSET_UTF8) >= 0;
  CHECK(made, size);
  return type;
}

Handle space_of(std::size_t rows) {
  const hsize_t extent = rows;
  return {H5Screate_simple(1, &extent, nullptr), H5Sclose};
}

/// The library's account of its last failure. The system's words, which stand in quotes in the
/// middle of a long sentence, are what a user can act on; else the innermost cause.
std::string last_failure() {
  std::vector<std::string> causes;
  const auto collect = [](unsigned, const H5E_error2_t* error, void* into) -> herr_t {
    static_cast<std::vector<std::string>*>(into)->emplace_back(error->desc);
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, collect, &causes);
  constexpr std::string_view quote = "error message = '";
  for (const std::string& cause : causes) {
    const std::size_t begin = cause.find(quote);
    if (begin == std::string::npos) continue;
    const std::size_t words = begin + quote.size();
    return cause.substr(words, cause.find('\'', words) - words);
  }
  return causes.empty() ? "HDF5 does not say why" : causes.front();
}

/// Keeps the library from printing its stack of errors, and from closing what is left when the
/// program ends: after a full disk that would crash. The settings belong to the library; repeating
/// them is harmless.
void tame() {
  H5dont_atexit();
  H5open();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Handle access_properties() {
  Handle properties(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  CHECK(H5Pset_libver_bounds(properties.id(), H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0);
  return properties;
}

/// Of files, groups and datasets: without this each would carry the time of its making.
Handle timeless_properties(hid_t kind) {
  Handle properties(H5Pcreate(kind), H5Pclose);
  CHECK(H5Pset_obj_track_times(properties.id(), false) >= 0);
  return properties;
}

}  // namespace

// --- writing
// ---------------------------------------------------------------------------------------

/// What a dataset or an attribute holds: how many of which type; no rows means a single value.
struct Writer::Shape {
  hid_t type = -1;
  std::optional<std::size_t> rows{};
  std::size_t chunk = 0;  ///< 0: not chunked
  bool grows = false;

  Handle space() const {
    if (!rows) return {H5Screate(H5S_SCALAR), H5Sclose};
    if (!grows) return space_of(*rows);
    const hsize_t extent = *rows;
    const hsize_t unlimited = H5S_UNLIMITED;
    return {H5Screate_simple(1, &extent, &unlimited), H5Sclose};
  }
};

Writer::Writer(const std::filesystem::path& path, std::filesystem::path shown)
    : path_(std::move(shown)) {
  tame();
  const Handle creation = timeless_properties(H5P_FILE_CREATE);
  const Handle access = access_properties();
  file_ = {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()), H5Fclose};
  if (file_.id() < 0) throw OutputError(path_, last_failure());
}

void Writer::group(const std::string& place) {
  const Handle creation = timeless_properties(H5P_GROUP_CREATE);
  const Handle group(H5Gcreate2(file_.id(), place.c_str(), H5P_DEFAULT, creation.id(), H5P_DEFAULT),
                     H5Gclose);
  if (group.id() < 0) throw OutputError(path_, last_failure());
}

Handle Writer::create_dataset(const std::string& place, const Shape& shape) {
  const Handle space = shape.space();
  const Handle creation = timeless_properties(H5P_DATASET_CREATE);
  if (shape.chunk > 0) {
    const hsize_t chunk = shape.chunk;
    const bool set = H5Pset_chunk(creation.id(), 1, &chunk) >= 0 &&
                     H5Pset_shuffle(creation.id()) >= 0 && H5Pset_deflate(creation.id(), 1) >= 0;
    CHECK(set, place);
  }
  Handle dataset(H5Dcreate2(file_.id(), place.c_str(), shape.type, space.id(), H5P_DEFAULT,
                            creation.id(), H5P_DEFAULT),
                 H5Dclose);
  if (dataset.id() < 0) throw OutputError(path_, last_failure());
  return dataset;
}

void Writer::fixed_dataset(const std::string& place, Hdf5NumberType type, const void* values,
                           std::size_t rows) {
  Handle dataset = create_dataset(
      place, {.type = stored_type(type), .rows = rows, .chunk = std::min(rows, chunk_rows)});
  const bool written = rows == 0 || H5Dwrite(dataset.id(), native_type(type), H5S_ALL, H5S_ALL,
                                             H5P_DEFAULT, values) >= 0;
  if (!written || dataset.close() < 0) throw OutputError(path_, last_failure());
}

void Writer::texts(const std::string& place, const std::vector<std::string>& values) {
  std::size_t width = 1;
  for (const std::string& value : values) width = std::max(width, value.size());
  std::string padded(width * values.size(), '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    padded.replace(i * width, values[i].size(), values[i]);
  }
  const Handle type = text_type(width);
  const std::size_t fitting = std::max<std::size_t>(text_chunk_bytes / width, 1);
  Handle dataset = create_dataset(
      place, {.type = type.id(), .rows = values.size(), .chunk = std::min(values.size(), fitting)});
  const bool written = values.empty() || H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL,
                                                  H5P_DEFAULT, padded.data()) >= 0;
  if (!written || dataset.close() < 0) throw OutputError(path_, last_failure());
}

void Writer::text(const std::string& place, std::string_view value) {
  const Handle type = text_type(value.size());
  Handle dataset = create_dataset(place, {.type = type.id()});
  const std::string stored = value.empty() ? std::string(1, '\0') : std::string(value);
  const bool written =
      H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, stored.data()) >= 0;
  if (!written || dataset.close() < 0) throw OutputError(path_, last_failure());
}

void Writer::write_attribute(const std::string& place, const std::string& name, const Shape& shape,
                             const void* values) {
  const Handle space = shape.space();
  const Handle attribute(H5Acreate_by_name(file_.id(), place.c_str(), name.c_str(), shape.type,
                                           space.id(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose);
  if (attribute.id() < 0 || H5Awrite(attribute.id(), shape.type, values) < 0) {
    throw OutputError(path_, last_failure());
  }
}

void Writer::attribute(const std::string& place, const std::string& name, std::uint64_t value) {
  write_attribute(place, name, {.type = H5T_STD_U64LE}, &value);
}

void Writer::attribute(const std::string& place, const std::string& name, std::string_view value) {
  const Handle type = text_type(value.size());
  const std::string stored = value.empty() ? std::string(1, '\0') : std::string(value);
  write_attribute(place, name, {.type = type.id()}, stored.data());
}

void Writer::attribute(const std::string& place, const std::string& name,
                       const std::vector<std::string>& values) {
  std::size_t width = 1;
  for (const std::string& value : values) width = std::max(width, value.size());
  std::string padded;
  for (const std::string& value : values) {
    padded += value;
    padded.append(width - value.size(), '\0');
  }
  const Handle type = text_type(width);
  write_attribute(place, name, {.type = type.id(), .rows = values.size()}, padded.data());
}

GrowingDataset Writer::growing_dataset(const std::string& place, Hdf5NumberType type) {
  Handle dataset = create_dataset(
      place, {.type = stored_type(type), .rows = 0, .chunk = chunk_rows, .grows = true});
  return {std::move(dataset), type, path_};
}

void Writer::close() {
  const bool flushed = H5Fflush(file_.id(), H5F_SCOPE_GLOBAL) >= 0;
  if (!flushed || file_.close() < 0) throw OutputError(path_, last_failure());
}

void GrowingDataset::append(const void* values, std::size_t rows) {
  const hsize_t first = rows_;
  const hsize_t count = rows;
  const hsize_t extent = first + count;
  if (H5Dset_extent(dataset_.id(), &extent) < 0) throw OutputError(path_, last_failure());
  const Handle target(H5Dget_space(dataset_.id()), H5Sclose);
  const Handle source = space_of(rows);
  const bool written =
      H5Sselect_hyperslab(target.id(), H5S_SELECT_SET, &first, nullptr, &count, nullptr) >= 0 &&
      H5Dwrite(dataset_.id(), native_type(type_), source.id(), target.id(), H5P_DEFAULT, values) >=
          0;
  if (!written) throw OutputError(path_, last_failure());
  rows_ = extent;
}

void GrowingDataset::close() {
  if (dataset_.close() < 0) throw OutputError(path_, last_failure());
}

// --- reading
// ---------------------------------------------------------------------------------------

Reader::Reader(std::filesystem::path path) : path_(std::move(path)) {
  tame();
  std::error_code ignored;
  if (!std::filesystem::exists(path_, ignored)) refuse("there is no such file");
  if (std::filesystem::is_directory(path_, ignored)) refuse("this is a folder, not a file");
  if (H5Fis_hdf5(path_.c_str()) == 0) refuse("this is no HDF5 file");
  file_ = {H5Fopen(path_.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose};
  if (file_.id() < 0) refuse("the file cannot be opened: " + last_failure());
}

void Reader::refuse(const std::string& reason) const {
  Diagnostics diagnostics;
  diagnostics.error({.file = path_.string()}, reason);
  diagnostics.throw_if_errors();
  CHECK(false, reason);
}

Handle Reader::open_dataset(const std::string& place) const {
  Handle dataset(H5Dopen2(file_.id(), place.c_str(), H5P_DEFAULT), H5Dclose);
  if (dataset.id() < 0) refuse("the dataset " + place + " is missing");
  return dataset;
}

std::size_t Reader::rows(const std::string& place) const {
  const Handle dataset = open_dataset(place);
  const Handle space(H5Dget_space(dataset.id()), H5Sclose);
  if (H5Sget_simple_extent_ndims(space.id()) != 1) refuse(place + " is not a column");
  hsize_t extent = 0;
  H5Sget_simple_extent_dims(space.id(), &extent, nullptr);
  return extent;
}

void Reader::read(const std::string& place, Hdf5NumberType type, Rows rows, void* values) const {
  if (rows.count == 0) return;
  const Handle dataset = open_dataset(place);
  const Handle source(H5Dget_space(dataset.id()), H5Sclose);
  const Handle target = space_of(rows.count);
  const hsize_t first = rows.first;
  const hsize_t count = rows.count;
  const bool read =
      H5Sselect_hyperslab(source.id(), H5S_SELECT_SET, &first, nullptr, &count, nullptr) >= 0 &&
      H5Dread(dataset.id(), native_type(type), target.id(), source.id(), H5P_DEFAULT, values) >= 0;
  if (!read) refuse(place + " cannot be read: " + last_failure());
}

std::vector<std::string> Reader::texts(const std::string& place) const {
  const Handle dataset = open_dataset(place);
  const Handle type(H5Dget_type(dataset.id()), H5Tclose);
  if (H5Tget_class(type.id()) != H5T_STRING || H5Tis_variable_str(type.id()) > 0) {
    refuse(place + " holds no texts of fixed length");
  }
  const Handle space(H5Dget_space(dataset.id()), H5Sclose);
  const auto count = static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.id()));
  const std::size_t width = H5Tget_size(type.id());
  if (count > std::numeric_limits<std::uint32_t>::max() / width) refuse(place + " is too large");
  std::string padded(count * width, '\0');
  const bool read = count == 0 || H5Dread(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT,
                                          padded.data()) >= 0;
  if (!read) refuse(place + " cannot be read: " + last_failure());
  std::vector<std::string> values;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view value = std::string_view(padded).substr(i * width, width);
    values.emplace_back(value.substr(0, value.find_last_not_of('\0') + 1));
  }
  return values;
}

std::string Reader::text(const std::string& place) const {
  std::vector<std::string> values = texts(place);
  if (values.size() != 1) refuse(place + " is not a single text");
  return values.front();
}

bool Reader::has_attribute(const std::string& place, const std::string& name) const {
  return H5Aexists_by_name(file_.id(), place.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

Handle Reader::open_attribute(const std::string& place, const std::string& name) const {
  Handle attribute(
      H5Aopen_by_name(file_.id(), place.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (attribute.id() < 0) refuse("the attribute " + name + " of " + place + " is missing");
  return attribute;
}

std::uint64_t Reader::number_attribute(const std::string& place, const std::string& name) const {
  const Handle attribute = open_attribute(place, name);
  const Handle space(H5Aget_space(attribute.id()), H5Sclose);
  std::uint64_t value = 0;
  const bool single = H5Sget_simple_extent_npoints(space.id()) == 1;
  if (!single || H5Aread(attribute.id(), H5T_NATIVE_UINT64, &value) < 0) {
    refuse("the attribute " + name + " of " + place + " is not a number");
  }
  return value;
}

std::string Reader::text_attribute(const std::string& place, const std::string& name) const {
  const Handle attribute = open_attribute(place, name);
  const Handle type(H5Aget_type(attribute.id()), H5Tclose);
  const Handle space(H5Aget_space(attribute.id()), H5Sclose);
  const bool single = H5Tget_class(type.id()) == H5T_STRING && H5Tis_variable_str(type.id()) == 0 &&
                      H5Sget_simple_extent_npoints(space.id()) == 1;
  std::string value(single ? H5Tget_size(type.id()) : 1, '\0');
  if (!single || H5Aread(attribute.id(), type.id(), value.data()) < 0) {
    refuse("the attribute " + name + " of " + place + " is not a text");
  }
  value.erase(value.find_last_not_of('\0') + 1);
  return value;
}

}  // namespace orrery::hdf5
