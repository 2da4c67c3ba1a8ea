import { IsInt, IsNumber, IsString, Min } from 'class-validator';

/** A row of a picture that somebody wants painted. */
export class RowToPaint {
  @IsString()
  readonly picture!: string;

  @IsInt()
  @Min(0)
  readonly row!: number;

  @IsInt()
  @Min(1)
  readonly rows!: number;
}

/** A row that is painted. */
export class PaintedRow extends RowToPaint {
  /** Characters from ' ' (left at once) to '#' (stayed). */
  @IsString()
  readonly pixels!: string;

  @IsInt()
  readonly threadId!: number;

  /** What it cost. */
  @IsNumber()
  readonly ms!: number;
}
