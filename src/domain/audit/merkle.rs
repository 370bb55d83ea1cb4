//! The hash tree of a day's entries (RFC 6962, §2.1).
//!
//! Leaves and nodes are hashed with another first byte, so that no node can be passed off as an entry. A proof is the
//! list of sibling hashes from the leaf upwards, as the RFC orders it.

use sha2::{Digest as _, Sha256};

/// SHA-256.
pub type Hash = [u8; 32];

/// The hash of an entry.
pub fn leaf(entry: &[u8]) -> Hash {
    Sha256::new_with_prefix([0]).chain_update(entry).finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new_with_prefix([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The hash at the top of a tree of nothing.
fn nothing() -> Hash {
    Sha256::digest([]).into()
}

/// A tree that grows by one leaf at a time and keeps only its right edge: a day of a million entries is twenty hashes.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The whole subtrees from left to right, each larger than the next, with the number of leaves under it.
    edge: Vec<(u64, Hash)>,
}

impl Tree {
    /// Adds the hash of the next entry.
    pub fn push(&mut self, leaf: Hash) {
        let mut right = (1, leaf);
        while let Some((leaves, left)) = self.edge.pop_if(|(leaves, _)| *leaves == right.0) {
            right = (leaves * 2, node(&left, &right.1));
        }
        self.edge.push(right);
    }

    /// The hash over everything so far.
    pub fn root(&self) -> Hash {
        let mut subtrees = self.edge.iter().rev().map(|(_, hash)| *hash);
        let Some(last) = subtrees.next() else { return nothing() };
        subtrees.fold(last, |right, left| node(&left, &right))
    }
}

/// The hash over all leaves.
pub fn root(leaves: &[Hash]) -> Hash {
    let mut tree = Tree::default();
    for leaf in leaves {
        tree.push(*leaf);
    }
    tree.root()
}

/// Where a tree of so many leaves, two at least, parts: the largest power of two below their number.
fn part(leaves: usize) -> usize {
    1 << (leaves - 1).ilog2()
}

/// The hashes that lead from the leaf at `index` to the root; nothing where there is no such leaf.
pub fn inclusion(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    if leaves.len() == 1 {
        return Some(Vec::new());
    }
    let (left, right) = leaves.split_at(part(leaves.len()));
    let (mut path, sibling) = match index.checked_sub(left.len()) {
        None => (inclusion(left, index)?, root(right)),
        Some(index) => (inclusion(right, index)?, root(left)),
    };
    path.push(sibling);
    Some(path)
}

/// Whether `proof` leads from `leaf`, as number `index` of `leaves`, to `root`.
pub fn is_included(leaf: &Hash, index: usize, leaves: usize, proof: &[Hash], root: &Hash) -> bool {
    fn climb(leaf: Hash, index: usize, leaves: usize, proof: &[Hash]) -> Option<Hash> {
        if leaves == 1 {
            return proof.is_empty().then_some(leaf);
        }
        let (sibling, below) = proof.split_last()?;
        let left = part(leaves);
        Some(match index.checked_sub(left) {
            None => node(&climb(leaf, index, left, below)?, sibling),
            Some(index) => node(sibling, &climb(leaf, index, leaves - left, below)?),
        })
    }
    index < leaves && climb(*leaf, index, leaves, proof).as_ref() == Some(root)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::hex::{hex, unhex};

    /// The entries of the reference implementation of RFC 6962.
    fn entries() -> Vec<Hash> {
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
            .map(|entry| leaf(&unhex(entry).unwrap()))
            .to_vec()
    }

    #[test]
    fn the_tree_is_that_of_rfc_6962() {
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        for (leaves, expected) in roots.into_iter().enumerate() {
            assert_eq!(hex(&root(&entries()[..leaves])), expected, "{leaves} leaves");
        }
    }

    #[test]
    #[expect(clippy::many_single_char_names, reason = "the letters are those of the figure in the RFC")]
    fn the_paths_are_those_of_the_example_in_rfc_6962() {
        // §2.1.3: seven leaves; a b c d e f j are the leaves, g h i = ab cd ef, k = abcd, l = efj.
        let leaves = &entries()[..7];
        let [a, b, c, d, e, f, j] = leaves else { panic!("seven") };
        let [g, h, i] = [node(a, b), node(c, d), node(e, f)];
        let k = node(&g, &h);
        let l = node(&i, j);
        assert_eq!(inclusion(leaves, 0), Some(vec![*b, h, l]));
        assert_eq!(inclusion(leaves, 3), Some(vec![*c, g, l]));
        assert_eq!(inclusion(leaves, 4), Some(vec![*f, *j, k]));
        assert_eq!(inclusion(leaves, 6), Some(vec![i, k]));
    }

    #[test]
    fn a_node_is_never_an_entry() {
        let [a, b] = [leaf(b"a"), leaf(b"b")];
        assert_ne!(leaf(&[a, b].concat()), root(&[a, b]));
    }

    fn some(leaves: usize) -> Vec<Hash> {
        (0..leaves).map(|n| leaf(&n.to_be_bytes())).collect()
    }

    proptest! {
        #[test]
        fn an_inclusion_proof_proves_its_entry_and_no_other(leaves in 1_usize..200, at: prop::sample::Index, other: prop::sample::Index) {
            let (all, at, other) = (some(leaves), at.index(leaves), other.index(leaves));
            let (proof, top) = (inclusion(&all, at).unwrap(), root(&all));
            prop_assert!(is_included(&all[at], at, leaves, &proof, &top));
            prop_assert_eq!(is_included(&all[other], other, leaves, &proof, &top), other == at);
            prop_assert_eq!(is_included(&all[other], at, leaves, &proof, &top), other == at);
            prop_assert!(!is_included(&all[at], at, leaves, &proof, &leaf(b"another")));
            let longer = [&proof[..], &[top]].concat();
            prop_assert!(!is_included(&all[at], at, leaves, &longer, &top));
        }

        #[test]
        fn a_tree_that_grew_leaf_by_leaf_has_the_same_root(leaves in 0_usize..300) {
            fn whole(leaves: &[Hash]) -> Hash {
                match leaves {
                    [] => nothing(),
                    [one] => *one,
                    _ => {
                        let (left, right) = leaves.split_at(part(leaves.len()));
                        node(&whole(left), &whole(right))
                    }
                }
            }
            let all = some(leaves);
            prop_assert_eq!(root(&all), whole(&all));
        }
    }

    #[test]
    fn there_is_no_proof_for_what_is_not_there() {
        let all = some(3);
        assert_eq!(inclusion(&all, 3), None);
        assert!(!is_included(&all[0], 3, 3, &[], &root(&all)));
    }
}
