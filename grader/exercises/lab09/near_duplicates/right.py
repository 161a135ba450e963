"""Right ways to write near_duplicates, in other styles."""

from __future__ import annotations

import itertools

from grader.exercises.lab09.near_duplicates.more import catalogue
from grader.exercises.lab09.near_duplicates.rule import jaccard, shingles

right = catalogue.right


@right
def by_union_find(documents, threshold):
    parent = list(range(len(documents)))

    def root(place):
        while parent[place] != place:
            place = parent[place]
        return place

    sets = [shingles(document) for document in documents]
    for i in range(len(sets)):
        for j in range(i):
            if len(sets[i] & sets[j]) >= threshold * len(sets[i] | sets[j]) - 1e-12:
                parent[max(root(i), root(j))] = min(root(i), root(j))
    groups = {}
    for place in range(len(documents)):
        groups.setdefault(root(place), []).append(place)
    return [group for group in groups.values() if len(group) > 1]


@right
def by_search(documents, threshold):
    sets = [shingles(document) for document in documents]
    near = {i: [j for j in range(len(sets)) if jaccard(sets[i], sets[j]) >= threshold] for i in range(len(sets))}
    seen, groups = set(), []
    for start in near:
        if start in seen:
            continue
        todo, group = [start], []
        while todo:
            place = todo.pop()
            if place not in seen:
                seen.add(place)
                group.append(place)
                todo += near[place]
        if len(group) > 1:
            groups.append(sorted(group))
    return groups


@right
def relabelling(documents, threshold):
    group_of = list(range(len(documents)))
    for i, j in itertools.combinations(range(len(documents)), 2):
        if jaccard(shingles(documents[i]), shingles(documents[j])) >= threshold:
            old, kept = group_of[j], group_of[i]
            group_of = [kept if number == old else number for number in group_of]
    found = {}
    for place, number in enumerate(group_of):
        found.setdefault(number, []).append(place)
    return sorted((tuple(group) for group in found.values() if len(group) > 1), key=min)


@right
def by_matrix(documents, threshold):
    import numpy as np

    sets = [shingles(document) for document in documents]
    near = np.array([[jaccard(a, b) >= threshold for b in sets] for a in sets])
    for _ in range(len(sets)):
        near = near @ near
    rows = {tuple(np.flatnonzero(row).tolist()) for row in near if row.sum() > 1}
    return sorted(rows)


@right
def growing_sets(documents, threshold):
    sets, groups = [shingles(document) for document in documents], []
    for place, own in enumerate(sets):
        fits = [g for g in groups if any(jaccard(sets[member], own) >= threshold for member in g)]
        groups = [g for g in groups if g not in fits] + [{place}.union(*fits)]
    return sorted(sorted(group) for group in groups if len(group) > 1)


@right
def over_an_index(documents, threshold):
    sets = [frozenset(" ".join(run) for run in shingles(document)) for document in documents]
    index = {}
    for place, some in enumerate(sets):
        for shingle in some:
            index.setdefault(shingle, set()).add(place)
    group = {place: {place} for place in range(len(sets))}
    for place, some in enumerate(sets):
        for other in set().union(*(index[shingle] for shingle in some)):
            if len(some & sets[other]) / len(some | sets[other]) >= threshold and group[place] is not group[other]:
                group[place] |= group[other]
                for member in group[other]:
                    group[member] = group[place]
    return sorted({tuple(sorted(members)) for members in group.values() if len(members) > 1})


@right
def recursive(documents, threshold):
    sets = [{hash(run) for run in shingles(document)} for document in documents]

    def reach(place, left):
        found = [place]
        for other in list(left):
            if other in left and jaccard(sets[place], sets[other]) >= threshold:
                left.discard(other)
                found += reach(other, left)
        return found

    left, groups = set(range(len(sets))), []
    while left:
        place = min(left)
        left.discard(place)
        group = reach(place, left)
        if len(group) > 1:
            groups.append(sorted(group))
    return groups


@right
def spreading_the_smallest(documents, threshold):
    sets, label = [shingles(document) for document in documents], list(range(len(documents)))
    changed = True
    while changed:
        changed = False
        for i, j in itertools.permutations(range(len(sets)), 2):
            if label[j] < label[i] and jaccard(sets[i], sets[j]) >= threshold:
                label[i], changed = label[j], True
    return [
        [place for place, number in enumerate(label) if number == first]
        for first in sorted(set(label))
        if label.count(first) > 1
    ]
