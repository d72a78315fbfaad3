// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "compiler/cost/timing_source.h"
#include "compiler/operators/kernel_args.h"
#include "compiler/operators/packed_weights.h"
#include "compiler/tiling/image_geometry.h"
#include "models/base/element_type.h"
#include "program/layer.h"
#include "program/operation.h"
#include "workloads/graph/graph.h"
#include "workloads/training/update.h"

namespace etude::compiler {

/// Something stored outside L1: a tensor at home, an activation in L2, a copy of a paged parameter.
struct StoredObject {
  std::string name;
  Bytes bytes;
  bool external = false;    ///< in HyperRAM, else in L2
  bool flash = false;       ///< external: in flash, else in HyperRAM
  bool persistent = false;  ///< stands at both ends of a step
  bool parameter = false;
  DType type = DType::kFloat32;  ///< of its elements
  Address address;               ///< set by the memory planner
};

/// A matrix in L1; extents and pitch in elements of its type.
struct L1Matrix {
  Address address;
  std::uint32_t rows = 0, cols = 0, pitch = 0;
  DType type = DType::kFloat32;

  std::uint32_t elements() const { return rows * cols; }
  std::uint32_t row_bytes() const { return cols * bytes_of(type); }
  std::uint32_t pitch_bytes() const { return pitch * bytes_of(type); }
  /// Address of an element.
  Address at(std::uint32_t row, std::uint32_t col) const {
    return address + bytes_for(row * pitch + col, type);
  }
  L1Matrix slice(std::uint32_t r0, std::uint32_t c0, std::uint32_t r, std::uint32_t c) const {
    return {at(r0, c0), r, c, pitch, type};
  }
};

/// A matrix inside a stored object.
struct StoredMatrix {
  ObjectId object = 0;
  Bytes offset;
  std::uint32_t pitch = 0;  ///< elements
  DType type = DType::kFloat32;

  /// What begins `elements` further on in the object.
  StoredMatrix behind(std::uint64_t elements) const {
    return {object, offset + bytes_for(elements, type), pitch, type};
  }
};

/// A frozen weight that is stored packed.
struct PackedObjects {
  PackedWeight weight;
  ObjectId numbers = 0, scales = 0;
};

/// A gradient piece to be copied; see TensorProbe.
struct ProbeRequest {
  TensorId tensor{};
  L1Matrix piece;
  Bytes tensor_offset, tensor_pitch;
};

/// A dense piece [samples, channels, cols] of images in L1.
struct ChannelBlock {
  Address address;
  std::uint32_t samples = 1, channels = 1, cols = 1;
  std::uint32_t elements() const { return samples * channels * cols; }
};

/// The vectors of a batch normalisation, a float per channel; address 0: none.
struct NormVectors {
  Address gamma, beta, mean, variance, scale, shift, rstd;
};

/// One operation in program order, before waits and the final order are known; addresses outside L1
/// are offsets in their objects until the memory plan adds the objects' own.
struct PlanOp : Operation {
  Cycle cycles;             ///< modelled, on its unit
  double port_share = 0;    ///< RedMulE: part of its cycles in which it takes all banks of L1
  std::uint32_t stage = 0;  ///< operator of the step that it belongs to
  Bytes l2_used;            ///< of L2, that the plan has handed out then
  int probe = -1;           ///< index of a ProbeRequest: no real operation
};

/// The step as a plain sequence of operations with their accesses: correct if executed one by one.
/// What may overlap is found later from the accesses alone.
class Tape {
 public:
  /// `timing`: what its operations are priced with; must outlive it. `longest_transfer`: below the
  /// 2^17 bytes of the DMA's length field.
  explicit Tape(const TimingSource& timing, Bytes longest_transfer = Bytes{8192})
      : timing_(&timing), longest_transfer_(longest_transfer) {}
  explicit Tape(const TimingSource&& timing, Bytes longest_transfer = Bytes{8192}) = delete;
  /// A copy to which `timing` adds.
  Tape(const Tape& other, const TimingSource& timing) : Tape(other) { timing_ = &timing; }

  const TimingSource& timing() const { return *timing_; }

  void set_layer(std::uint32_t layer) { layer_ = layer; }
  void set_stage(std::uint32_t stage) { stage_ = stage; }

  // Transfers; matrix sizes are the L1 side's. Long ones are split below the DMA's length field.
  // Errors: std::logic_error if both sides are strided or have elements of different types.
  void load(const StoredMatrix& from, const L1Matrix& to);
  void store(const L1Matrix& from, const StoredMatrix& to);
  /// `bytes` of object `from` at the same offset of object `to`.
  void page(ObjectId from, bool from_external, ObjectId to, Bytes offset, Bytes bytes);
  /// The same where the one outside L2 is in flash.
  void page_flash(ObjectId from, bool from_flash, ObjectId to, Bytes offset, Bytes bytes);
  /// Whole sectors of an object in flash, from its begin on, so that it can be programmed.
  void erase_flash(ObjectId object, Bytes bytes);

  // Kernels on the cores; see kernels/include/etude_kernels.h.
  void gemm(const L1Matrix& a, const L1Matrix& b, const L1Matrix& c, std::uint32_t inner,
            Address bias, std::uint32_t flags);
  void transpose(const L1Matrix& src, const L1Matrix& dst, const L1Matrix* mask);
  void relu(const L1Matrix& x);
  void relu_to(const L1Matrix& x, const L1Matrix& y);
  void relu_grad(const L1Matrix& dy, const L1Matrix& y, const L1Matrix& dx);
  void add(const L1Matrix& a, const L1Matrix& b, const L1Matrix& c);
  void copy(const L1Matrix& x, const L1Matrix& y);
  /// y = x + row (of y's columns).
  void add_row(const L1Matrix& x, Address row, const L1Matrix& y);
  void column_sum(const L1Matrix& src, Address dst, bool accumulate);
  void broadcast_row(Address row, const L1Matrix& dst);
  void sgd(const L1Matrix& w, const L1Matrix& g, float lr);
  void mse(const L1Matrix& y, const L1Matrix& t, const L1Matrix& dy, Address loss, float scale_loss,
           float scale_grad);
  /// Binary cross entropy of logits y.
  void bce(const L1Matrix& y, const L1Matrix& t, const L1Matrix& dy, Address loss, float scale_loss,
           float scale_grad);
  void fill(const L1Matrix& dst, float value);
  /// Zeros in the words of a dense matrix of any type.
  void clear(const L1Matrix& dst);

  // Kernels on images; `columns` are [channels * taps, pixels], `rows` the transpose.
  void im2col(const WindowView& view, Address image, const L1Matrix& columns);
  void im2row(const WindowView& view, Address image, const L1Matrix& rows);
  void col2im(const WindowView& view, const L1Matrix& columns, Address image, bool accumulate);
  /// `positive`: maxima are at least 0.
  void pool(bool average, const WindowView& view, Address image, const L1Matrix& pooled,
            bool positive);
  /// `x` is the address of the image for a maximum, unused for an average; `positive`: only
  /// positive maxima count.
  void pool_grad(bool average, const WindowView& view, const L1Matrix& dy, Address x, Address dx,
                 bool positive);
  /// `weights`: address of [channels, taps].
  void depthwise(const WindowView& view, Address image, Address weights, const L1Matrix& y);
  void depthwise_grad_input(const WindowView& view, const L1Matrix& dy, Address weights,
                            Address dx);
  void depthwise_grad_weight(const WindowView& view, Address image, const L1Matrix& dy, Address dw,
                             bool accumulate);
  /// y = act(scale x + shift) per row, counted modulo `channels`; address 0: no scale, no shift.
  void affine_rows(const L1Matrix& x, const L1Matrix& y, Address scale, Address shift,
                   std::uint32_t channels, std::uint32_t activation);
  void row_sum(const L1Matrix& src, Address dst, bool accumulate);

  // Batch normalisation (tape_norm.cpp); vectors are addresses of a float per channel.
  /// dst (+)= sum of x, or of (x - mean)^2 if `mean` is not 0.
  void channel_sums(const ChannelBlock& x, Address mean, Address dst, bool accumulate);
  void channel_products(const ChannelBlock& x, const ChannelBlock& dy, Address mean, Address rstd,
                        Address dbeta, Address dgamma, bool accumulate);
  /// y = scale_a a + scale_b b + shift.
  void affine_pair(const ChannelBlock& a, const ChannelBlock& b, const ChannelBlock& y,
                   Address scale_a, Address scale_b, Address shift);
  /// dy = 0 where scale x + shift is not positive.
  void affine_mask(const ChannelBlock& x, const ChannelBlock& dy, Address scale, Address shift);
  void batchnorm_scales(const NormVectors& v, std::uint32_t channels, float factor, float epsilon);
  void batchnorm_slopes(const NormVectors& v, Address dbeta, Address dgamma, Address scale_x,
                        std::uint32_t channels, float inverse);

  // Element by element and row by row (tape_rows.cpp); an operand of pitch 0 is one row for
  // all.
  /// c = a op b; `number`: a kernel that takes etude_binary_args.
  void binary(etude_kernel number, const L1Matrix& a, const L1Matrix& b, const L1Matrix& c);
  /// `number`: a kernel that takes etude_unary_args.
  void unary(etude_kernel number, const L1Matrix& x, const L1Matrix& y, float factor = 0);
  /// `number`: a kernel that takes etude_result_grad_args.
  void result_grad(etude_kernel number, const L1Matrix& dy, const L1Matrix& y, const L1Matrix& dx);
  /// `number`: a kernel that takes etude_function_args, with its parameters. Errors:
  /// std::logic_error for more than it has room for, also below.
  void function(etude_kernel number, const L1Matrix& x, const L1Matrix& y,
                const std::vector<float>& parameters);
  /// `number`: a kernel that takes etude_function_grad_args.
  void function_grad(etude_kernel number, const L1Matrix& dy, const L1Matrix& x, const L1Matrix& dx,
                     const std::vector<float>& parameters);
  void maximum_grad(const L1Matrix& dy, const L1Matrix& a, const L1Matrix& b, const L1Matrix& dx);
  /// `form`: ETUDE_GELU_ERF, _TANH or _SIGMOID.
  void gelu(const L1Matrix& x, const L1Matrix& y, std::uint32_t form);
  void gelu_grad(const L1Matrix& dy, const L1Matrix& x, const L1Matrix& dx, std::uint32_t form);
  void layernorm(const L1Matrix& x, const L1Matrix& gamma, const L1Matrix& beta, const L1Matrix& y,
                 float epsilon);
  /// stats[row] = {mean, 1 / deviation}.
  void layernorm_stats(const L1Matrix& x, const L1Matrix& stats, float epsilon);
  /// `stats` null: computed again.
  void layernorm_grad(const L1Matrix& dy, const L1Matrix& x, const L1Matrix& gamma,
                      const L1Matrix* stats, const L1Matrix& dx, float epsilon);
  void layernorm_affine_grad(const L1Matrix& dy, const L1Matrix& x, const L1Matrix& stats,
                             const L1Matrix& dgamma, const L1Matrix& dbeta, bool accumulate);
  void softmax(const L1Matrix& x, const L1Matrix& y, float scale);
  /// `any`: y may be anything; else each row of it is the result of a softmax and adds up to 1.
  void softmax_grad(const L1Matrix& dy, const L1Matrix& y, const L1Matrix& dx, float scale,
                    bool any = false);
  /// `labels`: one integer per row; the loss is added to the word at `loss`.
  void cross_entropy(const L1Matrix& x, const L1Matrix& labels, const L1Matrix& log_p, Address loss,
                     float scale_loss);
  void cross_entropy_grad(const L1Matrix& log_p, const L1Matrix& labels, const L1Matrix& dx,
                          float scale);
  void log_softmax(const L1Matrix& x, const L1Matrix& y);
  void log_softmax_grad(const L1Matrix& dy, const L1Matrix& y, const L1Matrix& dx);
  void rmsnorm(const L1Matrix& x, const L1Matrix& gamma, const L1Matrix& y, float epsilon);
  /// stats[row] = {0, 1 / root of the mean square}.
  void rmsnorm_stats(const L1Matrix& x, const L1Matrix& stats, float epsilon);
  void rmsnorm_grad(const L1Matrix& dy, const L1Matrix& x, const L1Matrix& gamma,
                    const L1Matrix& dx, float epsilon);
  /// `table`: the rows from `first` on; rows of `dst` whose index is another one stay.
  void gather(const L1Matrix& table, const L1Matrix& indices, const L1Matrix& dst,
              std::uint32_t first);
  /// Rows of `src` are added to those of `table` that their indices name, in ascending order.
  void scatter_add(const L1Matrix& src, const L1Matrix& indices, const L1Matrix& table,
                   std::uint32_t first);
  void momentum(const L1Matrix& w, const L1Matrix& g, const L1Matrix& v, float lr, float mu);
  /// Rates of one step; betas as the kernel takes them.
  void adam(const L1Matrix& w, const L1Matrix& g, const L1Matrix& m, const L1Matrix& v,
            const AdamRates& rates, float beta1, float beta2);

  /// Z[m,k] (+)= X[m,n] W[n,k]; z.rows are those that belong to the result, `stored_rows` those
  /// that the array writes. All are FP32 or all FP16. Errors: std::logic_error if they are neither.
  void redmule(const L1Matrix& x, const L1Matrix& w, const L1Matrix& z, std::uint32_t stored_rows,
               bool accumulate);
  /// FP32 to FP16, or back, by the types of the two; the extents are those of the FP32 matrix.
  /// Errors: std::logic_error for other types.
  void convert(const L1Matrix& from, const L1Matrix& to);
  /// Packed rows (in words) times scales, of the first channel of the tile on, as FP32 or FP16;
  /// `to` has the extents. Errors: std::logic_error for a form without a kernel.
  void decode(const L1Matrix& packed, Address scales, const StoredForm& form, const L1Matrix& to);

  void probe(ProbeRequest request);

  std::vector<PlanOp> ops;
  std::vector<ProbeRequest> probes;
  std::vector<StoredObject> objects;            ///< what operations load from and store to
  std::map<TensorId, ObjectId> object_of;       ///< a storage's place among them
  std::map<TensorId, PackedObjects> packed_of;  ///< those of weights that have no such place
  std::vector<Layer> layers;                    ///< by node of the graph; others behind them

 private:
  template <class Kind>
  PlanOp& append(const Kind& what) {
    PlanOp& made = ops.emplace_back();
    made.what = what;
    made.layer = layer_;
    made.stage = stage_;
    return made;
  }
  template <etude_kernel number>
  PlanOp& kernel(const KernelArgs<number>& args) {
    return kernel(number, args);
  }
  /// Of a kernel that comes out of a table.
  template <typename Args>
  PlanOp& kernel(etude_kernel number, const Args& args) {
    static_assert(std::is_trivially_copyable_v<Args> && sizeof(Args) % sizeof(std::uint32_t) == 0);
    KernelCall call{static_cast<std::uint32_t>(number), {}};
    static_assert(sizeof(Args) <= sizeof(call.args));
    std::memcpy(call.args.data(), &args, sizeof args);
    PlanOp& made = append(call);
    made.cycles = timing_->kernel(number, etude_kernel_extents(number, call.args.data()));
    return made;
  }
  PlanOp& window(etude_kernel number, const WindowView& view, Address src, Address dst,
                 std::uint32_t pitch, std::uint32_t aux);
  void transfer(const L1Matrix& l1, const StoredMatrix& l2, bool to_l1);

  const TimingSource* timing_;
  Bytes longest_transfer_;
  std::uint32_t layer_ = 0;
  std::uint32_t stage_ = 0;
};

}  // namespace etude::compiler
