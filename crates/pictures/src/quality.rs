//! How alike two pictures are: PSNR and SSIM, computed as ffmpeg's filters of these names do. Nothing is judged here.

use crate::I420;

/// Peak signal-to-noise ratio of luma, dB; infinite for equal pictures, `None` for pictures of different sizes.
#[must_use]
pub fn psnr(one: &I420, other: &I420) -> Option<f64> {
    if one.size() != other.size() {
        return None;
    }
    let squares: u64 = one.y().iter().zip(other.y()).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    let mean = squares as f64 / one.y().len() as f64;
    Some(10.0 * (255.0 * 255.0 / mean).log10())
}

/// Structural similarity of luma, 1 for equal pictures: the mean over windows of 8x8 pixels, four pixels apart (Wang et al. 2004,
/// with plain windows). `None` for pictures of different sizes, and for those smaller than a window.
#[must_use]
pub fn ssim(one: &I420, other: &I420) -> Option<f64> {
    if one.size() != other.size() || one.width() < 8 || one.height() < 8 {
        return None;
    }
    let (across, down) = (one.width() as usize / 4 - 1, one.height() as usize / 4 - 1);
    let mut sum = 0.0;
    for row in 0..down {
        for column in 0..across {
            sum += window(one, other, column * 4, row * 4);
        }
    }
    Some(sum / (across * down) as f64)
}

/// SSIM of the window of 8x8 pixels whose upper left corner is at `x`, `y`.
fn window(one: &I420, other: &I420, x: usize, y: usize) -> f64 {
    let width = one.width() as usize;
    let (mut a_sum, mut b_sum, mut squares, mut products) = (0_u64, 0_u64, 0_u64, 0_u64);
    for row in y..y + 8 {
        let range = row * width + x..row * width + x + 8;
        for (a, b) in one.y()[range.clone()].iter().zip(&other.y()[range]) {
            let (a, b) = (u64::from(*a), u64::from(*b));
            a_sum += a;
            b_sum += b;
            squares += a * a + b * b;
            products += a * b;
        }
    }
    let (a, b) = (a_sum as f64, b_sum as f64);
    let variances = squares as f64 * 64.0 - a * a - b * b;
    let covariance = products as f64 * 64.0 - a * b;
    // All is 64 times, or 64 * 64 times, the mean that the paper has; the variances are those of samples, hence 63.
    let c1 = 0.01 * 0.01 * 255.0 * 255.0 * 64.0;
    let c2 = 0.03 * 0.03 * 255.0 * 255.0 * 64.0 * 63.0;
    (2.0 * a * b + c1) * (2.0 * covariance + c2) / ((a * a + b * b + c1) * (variances + c2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(luma: impl Fn(usize, usize) -> usize) -> I420 {
        let mut picture = I420::new(64, 48).unwrap();
        for (index, pixel) in picture.planes_mut()[0].0.iter_mut().enumerate() {
            *pixel = luma(index % 64, index / 64) as u8;
        }
        picture
    }

    #[test]
    fn both_measures_are_those_of_ffmpeg() {
        let texture = |x: usize, y: usize| (x * 7 + y * 13) % 200 + 16;
        let (a, b) = (picture(texture), picture(|x, y| texture(x, y) + (x * x + 3 * y) % 17));
        let (c, d) = (picture(|x, y| 16 + x * y / 32), picture(|x, y| 16 + x * y / 40));
        // What the filters `psnr` and `ssim` of ffmpeg 5.1 say of these pictures' luma.
        for (one, other, decibels, structure) in
            [(&a, &b, 28.731_145, 0.991_392), (&c, &d, 32.244_221, 0.986_116)]
        {
            let (psnr, ssim) = (psnr(one, other).unwrap(), ssim(one, other).unwrap());
            assert!((psnr - decibels).abs() < 1e-5, "{psnr} dB, not {decibels}");
            assert!((ssim - structure).abs() < 1e-5, "{ssim}, not {structure}");
        }
    }

    #[test]
    fn equal_pictures_are_alike_and_sizes_must_be_too() {
        let one = picture(|x, y| x + y);
        assert_eq!(psnr(&one, &one), Some(f64::INFINITY));
        assert_eq!(ssim(&one, &one), Some(1.0));
        let other = I420::new(48, 64).unwrap();
        assert_eq!((psnr(&one, &other), ssim(&one, &other)), (None, None));
        let small = I420::new(4, 4).unwrap();
        assert_eq!(ssim(&small, &small), None);
    }
}
