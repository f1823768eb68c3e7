// What Prometheus is given.
import { describe, expect, test } from 'bun:test';
import { Metrics } from './metrics.ts';

async function linesOf(metrics: Metrics): Promise<string[]> {
  return (await metrics.tell()).text.split('\n');
}

const PULL = { operation: 'pull-blob', seconds: 0.2, bytesReceived: 0, bytesSent: 5 };

describe('metrics', () => {
  test('count requests by operation and status, their time and their bytes', async () => {
    const metrics = new Metrics('1.2.3');
    metrics.observeRequest({ ...PULL, status: 200 });
    metrics.observeRequest({ ...PULL, status: 200 });
    metrics.observeRequest({ ...PULL, status: 404, bytesReceived: 3 });
    const lines = await linesOf(metrics);
    expect(lines).toContain('entrepot_requests_total{operation="pull-blob",status="200"} 2');
    expect(lines).toContain('entrepot_requests_total{operation="pull-blob",status="404"} 1');
    expect(lines).toContain('entrepot_request_duration_seconds_count{operation="pull-blob"} 3');
    expect(lines).toContain(
      'entrepot_request_duration_seconds_bucket{le="0.1",operation="pull-blob"} 0',
    );
    expect(lines).toContain('entrepot_bytes_sent_total 15');
    expect(lines).toContain('entrepot_bytes_received_total 3');
    expect(lines).toContain('entrepot_build_info{version="1.2.3"} 1');
  });

  test('tell of commits, reads and the blob store', async () => {
    const metrics = new Metrics('1');
    metrics.observeCommit({ commands: 7, synced: true, seconds: 0.001 });
    metrics.observeRead(0.00002);
    metrics.observeStorage({ operation: 'commit', seconds: 0.01 });
    metrics.observeStorage({ operation: 'open', seconds: 0.01, fault: 'absent' });
    metrics.countReadAgain(9);
    const lines = await linesOf(metrics);
    expect(lines).toContain('entrepot_commit_commands_sum 7');
    expect(lines).toContain('entrepot_commit_duration_seconds_count{synced="true"} 1');
    expect(lines).toContain('entrepot_database_read_duration_seconds_bucket{le="0.00001"} 0');
    expect(lines).toContain('entrepot_database_read_duration_seconds_bucket{le="0.00005"} 1');
    expect(lines).toContain(
      'entrepot_storage_duration_seconds_count{operation="commit",fault=""} 1',
    );
    expect(lines).toContain(
      'entrepot_storage_duration_seconds_count{operation="open",fault="absent"} 1',
    );
    expect(lines).toContain('entrepot_upload_bytes_read_again_total 9');
  });

  test('read gauges when they are asked for, and forget jobs that are gone', async () => {
    const metrics = new Metrics('1');
    let jobs = [{ kind: 'expire-uploads', state: 'waiting', count: 2 }];
    metrics.addGauges({
      uploadsOpen: async () => 4,
      uploadsReceiving: () => 3,
      commandsWaiting: () => 2,
      jobs: async () => jobs,
    });
    const first = await linesOf(metrics);
    expect(first).toContain('entrepot_uploads_open 4');
    expect(first).toContain('entrepot_uploads_receiving 3');
    expect(first).toContain('entrepot_commands_waiting 2');
    expect(first).toContain('entrepot_jobs{kind="expire-uploads",state="waiting"} 2');
    jobs = [];
    expect((await linesOf(metrics)).join('\n')).not.toContain('entrepot_jobs{');
  });

  test('tell of the disk, of collection and of damage, each read once a scrape', async () => {
    const metrics = new Metrics('1');
    const figures = {
      oldest: { released: 5_000, trashed: null, rights: null, blobs: 7_500 },
      collectingSince: 9_000 as number | undefined,
      collectedAt: 8_000,
      damages: 2,
      scrubbedAt: undefined,
    };
    let reads = 0;
    metrics.addGauges({
      uploadsOpen: async () => 0,
      uploadsReceiving: () => 0,
      commandsWaiting: () => 0,
      jobs: async () => [
        { kind: 'collect', state: 'waiting', count: 1, failures: 4 },
        { kind: 'collect', state: 'dead', count: 1, failures: 10 },
        { kind: 'scrub', state: 'waiting', count: 1, failures: 0 },
      ],
      upkeep: async () => {
        reads += 1;
        return figures;
      },
      disk: async () => {
        reads += 1;
        return { freeBytes: 10, totalBytes: 100 };
      },
      historyBytes: () => metrics.historyBytes,
    });
    metrics.countFreed(55);
    const lines = await linesOf(metrics);
    for (const line of [
      'entrepot_disk_free_bytes 10',
      'entrepot_disk_size_bytes 100',
      'entrepot_collection_freed_bytes_total 55',
      'entrepot_collection_running_since_timestamp_seconds 9',
      'entrepot_collection_last_end_timestamp_seconds 8',
      'entrepot_collection_oldest_waiting_timestamp_seconds{what="released"} 5',
      'entrepot_collection_oldest_waiting_timestamp_seconds{what="blobs"} 7.5',
      'entrepot_damaged_blobs 2',
      'entrepot_job_failures{kind="collect"} 10',
      'entrepot_job_failures{kind="scrub"} 0',
    ]) {
      expect(lines).toContain(line);
    }
    expect(reads).toBe(2);
    const unknown = /^entrepot_(scrub_last_end|history_bytes)\S* \d|what="trashed"/m;
    expect(lines.join('\n')).not.toMatch(unknown);
    metrics.noteHistory(77);
    figures.collectingSince = undefined;
    const later = (await linesOf(metrics)).join('\n');
    expect(later).toContain('entrepot_history_bytes 77');
    expect(later).not.toMatch(/^entrepot_collection_running_since\S* \d/m);
    expect(reads).toBe(4);
  });

  test('leave out what the database does not tell, and give the rest', async () => {
    const metrics = new Metrics('1');
    let isDown = false;
    const told = async <T>(value: T) => {
      if (isDown) throw new Error('the database is down');
      return value;
    };
    metrics.addGauges({
      uploadsOpen: () => told(4),
      uploadsReceiving: () => 3,
      commandsWaiting: () => 2,
      jobs: () => told([{ kind: 'expire-uploads', state: 'waiting', count: 2, failures: 1 }]),
      upkeep: () =>
        told({
          oldest: { released: 5_000, trashed: null, rights: null, blobs: null },
          collectingSince: undefined,
          collectedAt: undefined,
          damages: 0,
          scrubbedAt: undefined,
        }),
      disk: async () => ({ freeBytes: 1, totalBytes: 2 }),
    });
    expect(await linesOf(metrics)).toContain('entrepot_uploads_open 4');
    isDown = true;
    const lines = await linesOf(metrics);
    expect(lines).toContain('entrepot_uploads_receiving 3');
    expect(lines).toContain('entrepot_disk_free_bytes 1');
    const read = /^entrepot_(uploads_open|jobs|job_failures|damaged_blobs|collection_oldest\S*)\b/m;
    expect(lines.join('\n')).not.toMatch(read);
  });
});
